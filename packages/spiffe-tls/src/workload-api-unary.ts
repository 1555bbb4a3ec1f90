/**
 * One call of the Workload API that has one answer. Each call has its own channel: a channel that waits to reconnect answers
 * at once with its last failure, so that an agent which just came back would be missed.
 */
import { type ClientUnaryCall, Metadata, type ServiceError } from '@grpc/grpc-js';
import { SpiffeTlsError } from './errors.ts';
import type { SpiffeWorkloadAPIClient } from './gen/workload.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import { toWorkloadApiFailure, type WorkloadApiFailure } from './workload-api-error.ts';
import type { WorkloadEndpoint } from './workload-endpoint.ts';

/** How long an agent may take for one answer. */
export const CALL_TIMEOUT_MS = 10_000;

/** Where and for how long a call is made. */
export interface UnaryCallOptions {
  readonly endpoint: WorkloadEndpoint;
  /** The call fails after this time. Default 10 000. */
  readonly timeoutMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** What goes with each call. */
export interface UnaryCallExtras {
  readonly metadata: Metadata;
  readonly options: { readonly deadline: Date };
}

/** The RPC's name, and how to begin it. */
export interface UnaryMethod<Response> {
  readonly name: string;
  readonly start: (
    client: SpiffeWorkloadAPIClient,
    extras: UnaryCallExtras,
    done: (error: ServiceError | null, response: Response) => void,
  ) => ClientUnaryCall;
}

/** The answer, or why there is none. Never rejects. */
export type UnaryOutcome<Response> =
  | { readonly ok: true; readonly response: Response }
  | { readonly ok: false; readonly failure: WorkloadApiFailure };

/** Makes the call. Client and stream are closed when it settles. */
export async function callWorkloadApi<Response>(
  method: UnaryMethod<Response>,
  { endpoint, timeoutMs = CALL_TIMEOUT_MS, signal }: UnaryCallOptions,
): Promise<UnaryOutcome<Response>> {
  if (signal?.aborted) return { ok: false, failure: aborted(method.name, signal) };
  const client = createWorkloadApiClient(endpoint);
  let onAbort = () => {};
  try {
    return await new Promise((resolve) => {
      const extras = { metadata: new Metadata(), options: { deadline: new Date(Date.now() + timeoutMs) } };
      const call = method.start(client, extras, (error, response) => {
        resolve(error === null ? { ok: true, response } : { ok: false, failure: failed(error, method.name, signal) });
      });
      onAbort = () => call.cancel();
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    client.close();
  }
}

function failed(error: ServiceError, name: string, signal: AbortSignal | undefined): WorkloadApiFailure {
  return signal?.aborted ? aborted(name, signal) : toWorkloadApiFailure(error, name);
}

function aborted(name: string, signal: AbortSignal): WorkloadApiFailure {
  const error = new SpiffeTlsError('SOURCE_CLOSED', `workload api: ${name} was aborted`, { cause: signal.reason });
  return { kind: 'fatal', error };
}
