/**
 * A real grpc-js server on loopback behind the guard, with methods of all four kinds, and a client for them.
 */
import type { TestContext } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerInterceptor,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { currentCall } from '../src/call-context.ts';
import type { DecisionRecord } from '../src/decision-record.ts';
import { createGrpcGuard, type GrpcGuardOptions } from '../src/grpc-guard.ts';
import { CALLER, peerOfId, SELF } from './bundles.ts';
import { engineOver, policy } from './engines.ts';

export const KINDS = ['Unary', 'ClientStream', 'ServerStream', 'Bidi'] as const;
export type Kind = (typeof KINDS)[number];
export type Text = { text: string };

/** What the server did, in order: `handler` when a handler ran, `message` when a message was deserialized. */
export type Trace = string[];

export function method(kind: Kind | 'Ungranted', trace: Trace): MethodDefinition<Text, Text> {
  const read = (bytes: Buffer): Text => {
    trace.push('message');
    return JSON.parse(bytes.toString());
  };
  const write = (value: Text): Buffer => Buffer.from(JSON.stringify(value));
  const plain = (bytes: Buffer): Text => JSON.parse(bytes.toString());
  return {
    path: `/test.Echo/${kind}`,
    requestStream: kind === 'ClientStream' || kind === 'Bidi',
    responseStream: kind === 'ServerStream' || kind === 'Bidi',
    requestSerialize: write,
    requestDeserialize: read,
    responseSerialize: write,
    responseDeserialize: plain,
  };
}

/** Who calls, as the context tells it, and what is to be masked: the text of every answer. */
export function caller(): Text {
  const call = currentCall();
  const masked = call?.decision.obligations.flatMap(({ fields }) => fields) ?? [];
  return { text: [call?.peer.id.toString() ?? 'nobody', ...masked].join(' without ') };
}

/** Handlers that answer with what the context holds in each of a stream's events. */
export function handlers(trace: Trace) {
  const ran = (): void => void trace.push('handler');
  const unary = (_call: ServerUnaryCall<Text, Text>, done: sendUnaryData<Text>): void => {
    ran();
    setImmediate(() => done(null, caller()));
  };
  return {
    Unary: unary,
    Ungranted: unary,
    ClientStream(call: ServerReadableStream<Text, Text>, done: sendUnaryData<Text>): void {
      ran();
      const seen = new Set<string>();
      call.on('data', () => seen.add(caller().text));
      call.on('end', () => {
        seen.add(caller().text);
        done(null, { text: [...seen].join() });
      });
    },
    ServerStream(call: ServerWritableStream<Text, Text>): void {
      ran();
      // More than a stream takes at once, so that `drain` is emitted: an event of the socket's making.
      const writing = (left: number): void => {
        for (let count = left; count > 0; count -= 1) {
          if (!call.write(caller())) {
            call.once('drain', () => writing(count - 1));
            return;
          }
        }
        call.end();
      };
      writing(50);
    },
    Bidi(call: ServerDuplexStream<Text, Text>): void {
      ran();
      call.on('data', () => call.write(caller()));
      call.on('end', () => {
        call.write(caller());
        call.end();
      });
      call.on('cancelled', () => trace.push(`cancelled by ${caller().text}`));
    },
  };
}

export interface Rig {
  readonly trace: Trace;
  readonly records: DecisionRecord[];
  readonly client: Client;
  readonly port: number;
  call(kind: Kind | 'Ungranted', metadata?: Metadata): Promise<string[]>;
}

export interface RigOptions extends Partial<GrpcGuardOptions> {
  readonly before?: ServerInterceptor[];
}

export async function rigOf(
  t: TestContext,
  { before = [], ...options }: RigOptions = {},
  peer: string | undefined = CALLER,
): Promise<Rig> {
  const [trace, records]: [Trace, DecisionRecord[]] = [[], []];
  const peerOf = () => (peer === undefined ? undefined : peerOfId(peer));
  const onDecision = (record: DecisionRecord) => void records.push(record);
  const guard = createGrpcGuard({
    engine: engineOver(policy),
    self: () => SpiffeId.parse(SELF),
    peerOf,
    onDecision,
    ...options,
  });
  const server = new Server({ interceptors: [...before, guard] });
  const methods = [...KINDS, 'Ungranted'] as const;
  server.addService(Object.fromEntries(methods.map((kind) => [kind, method(kind, trace)])), handlers(trace));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => {
    client.close();
    server.forceShutdown();
  });
  return { trace, records, client, port, call: (kind, metadata) => call(client, kind, metadata) };
}

/** Makes a call of any kind with two messages where it may, and gives all answers. */
export function call(client: Client, kind: Kind | 'Ungranted', metadata = new Metadata()): Promise<string[]> {
  const { path, requestSerialize, responseDeserialize } = method(kind, []);
  return new Promise((resolve, reject) => {
    const one = (error: ServiceError | null, value?: Text): void =>
      error ? reject(error) : resolve([value?.text ?? '']);
    const many = (stream: ClientReadableStream<Text> | ClientDuplexStream<Text, Text>): void => {
      const answers: string[] = [];
      stream.on('data', ({ text }: Text) => answers.push(text));
      stream.on('error', reject).on('end', () => resolve(answers));
    };
    if (kind === 'ServerStream') {
      many(client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { text: 'a' }, metadata));
    } else if (kind === 'ClientStream') {
      const stream = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, one);
      stream.on('error', () => undefined);
      for (const text of ['a', 'b']) stream.write({ text });
      stream.end();
    } else if (kind === 'Bidi') {
      const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
      many(stream);
      for (const text of ['a', 'b']) stream.write({ text });
      stream.end();
    } else {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text: 'a' }, metadata, one);
    }
  });
}
