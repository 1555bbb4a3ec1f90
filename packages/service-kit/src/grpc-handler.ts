/** Handlers of gRPC services as async functions: what they throw becomes the call's status, in one place. */
import { once } from 'node:events';
import { recordRefusal } from '@countersign/telemetry';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as Status,
} from '@grpc/grpc-js';
import { explainAnswer } from './explain-answer.ts';
import { detailsOf, GrpcError } from './grpc-error.ts';
import { encodeHops, HOPS_NAME, type Hop } from './hops.ts';

/** What a unary handler gives back. */
export interface Handled<Response> {
  readonly response: Response;
  /** Sent as trailing metadata, unless empty. */
  readonly hops?: readonly Hop[] | undefined;
}

/** Turns any error but a {@link GrpcError} into one; called for each, so it may log. */
export type TranslateError = (error: unknown) => GrpcError;

/** A unary handler from an async function. */
export function unaryHandler<Request, Response>(
  handle: (call: ServerUnaryCall<Request, Response>) => Promise<Handled<Response>>,
  translate: TranslateError,
): handleUnaryCall<Request, Response> {
  const serve = async (...[call, done]: Parameters<handleUnaryCall<Request, Response>>): Promise<void> => {
    const outcome = await settle(() => handle(call), translate);
    if (outcome instanceof GrpcError) done(outcome);
    else done(null, outcome.response, trailer(outcome.hops));
  };
  return (call, callback) => void serve(call, callback);
}

/** A server-streaming handler from an async function: its result, or what it throws, ends the stream; `undefined` ends it well. */
export function streamHandler<Request, Response>(
  handle: (call: ServerWritableStream<Request, Response>) => Promise<GrpcError | undefined>,
  translate: TranslateError,
): handleServerStreamingCall<Request, Response> {
  const serve = async (call: ServerWritableStream<Request, Response>): Promise<void> => {
    const error = await settle(() => handle(call), translate);
    if (call.cancelled) return;
    if (error === undefined) call.end();
    else call.emit('error', error);
  };
  return (call) => void serve(call);
}

/** Sends one message and waits until the client takes more; returns early when the signal is aborted. */
export async function sendMessage<Message>(
  call: ServerWritableStream<unknown, Message>,
  message: Message,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || call.write(message)) return;
  await once(call, 'drain', { signal }).catch(() => {});
}

/** When a stream has to end. */
export interface StreamEnd {
  /** Aborted when the client has gone, the process stops, or the stream is old. */
  readonly signal: AbortSignal;
  /** Forgets the stream; call it when it has ended. */
  release(): void;
}

/** Watches one stream. */
export function streamEnd(
  call: ServerWritableStream<unknown, unknown>,
  stopping: AbortSignal,
  lifetimeMs: number,
): StreamEnd {
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, lifetimeMs);
  call.once('cancelled', end);
  stopping.addEventListener('abort', end, { once: true });
  if (stopping.aborted) end();
  return {
    signal: ending.signal,
    release: () => {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
    },
  };
}

/** Nothing that a handler throws, before its first await or after, may escape: it would end the process. */
async function settle<T>(handle: () => Promise<T>, translate: TranslateError): Promise<T | GrpcError> {
  try {
    return await handle();
  } catch (error) {
    const ended = error instanceof GrpcError ? error : translate(error);
    explain(ended);
    return ended;
  }
}

/** Notes on the call in progress why it is refused, if that is what the error says. */
function explain(error: GrpcError): void {
  const { reason, field, decisionId } = detailsOf(error);
  const code = reason ?? (field === undefined ? Status[error.code] : 'FIELD_INVALID');
  const refusal = explainAnswer({ reason: code, detail: error.details, field, decision_id: decisionId });
  if (refusal !== undefined) recordRefusal(refusal);
}

function trailer(hops: readonly Hop[] | undefined): Metadata | undefined {
  if (hops === undefined || hops.length === 0) return undefined;
  const metadata = new Metadata();
  metadata.set(HOPS_NAME, encodeHops(hops));
  return metadata;
}
