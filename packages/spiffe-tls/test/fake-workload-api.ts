/**
 * A Workload API on a real socket that says whatever a test wants it to.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Metadata, Server, ServerCredentials, type ServerWritableStream, type status } from '@grpc/grpc-js';
import {
  type SpiffeWorkloadAPIServer,
  SpiffeWorkloadAPIService,
  type X509BundlesRequest,
  type X509BundlesResponse,
  type X509SVIDRequest,
  type X509SVIDResponse,
} from '../src/gen/workload.ts';

type Stream =
  | ServerWritableStream<X509SVIDRequest, X509SVIDResponse>
  | ServerWritableStream<X509BundlesRequest, X509BundlesResponse>;

/** One call of `FetchX509SVID` or `FetchX509Bundles`, seen from the server. */
export interface FakeCall {
  readonly metadata: Metadata;
  send(response: Partial<X509SVIDResponse>): void;
  /** Answers a call of `FetchX509Bundles`. */
  sendBundles(bundles: Readonly<Record<string, Uint8Array>>): void;
  /** Ends the stream with a status, or with OK. */
  end(code?: status, details?: string): void;
  /** Settles when the client has hung up. */
  readonly cancelled: Promise<void>;
}

/** A running server. */
export interface FakeWorkloadApi {
  readonly endpoint: string;
  /** Calls seen so far. */
  readonly callCount: () => number;
  /** Streams that are open now. */
  readonly openStreams: () => number;
  /** The next call that no earlier `nextCall` has taken. */
  nextCall(): Promise<FakeCall>;
  /** Cuts every connection, as a crash does. */
  close(): Promise<void>;
}

/** Listens on a Unix socket of its own, or again on that of a server which was closed. */
export async function createFakeWorkloadApi(path?: string): Promise<FakeWorkloadApi & { readonly path: string }> {
  const socketPath = path ?? join(await mkdtemp(join(tmpdir(), 'wl-')), 'api.sock');
  const calls: FakeCall[] = [];
  const waiting: ((call: FakeCall) => void)[] = [];
  const open = new Set<Stream>();
  let count = 0;
  const accept = (stream: Stream) => {
    count += 1;
    open.add(stream);
    const call = toCall(stream, () => open.delete(stream));
    const taker = waiting.shift();
    if (taker === undefined) calls.push(call);
    else taker(call);
  };
  const server = await listen(socketPath, accept);
  return {
    path: socketPath,
    endpoint: `unix://${socketPath}`,
    callCount: () => count,
    openStreams: () => open.size,
    nextCall() {
      const call = calls.shift();
      return call === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(call);
    },
    async close() {
      server.forceShutdown();
      if (path === undefined) await rm(join(socketPath, '..'), { recursive: true, force: true });
    },
  };
}

function toCall(stream: Stream, onEnd: () => void): FakeCall {
  const write = (message: X509SVIDResponse | X509BundlesResponse): void =>
    void Reflect.apply(stream.write, stream, [message]);
  return {
    metadata: stream.metadata,
    send: (response) => write({ svids: [], crl: [], federatedBundles: {}, ...response }),
    sendBundles: (bundles) =>
      write({
        crl: [],
        bundles: Object.fromEntries(Object.entries(bundles).map(([id, der]) => [id, Buffer.from(der)])),
      }),
    end(code, details = '') {
      onEnd();
      if (code === undefined) stream.end();
      else stream.emit('error', { code, details });
    },
    cancelled: new Promise((resolve) => {
      stream.once('cancelled', () => {
        onEnd();
        resolve();
      });
    }),
  };
}

async function listen(path: string, accept: (stream: Stream) => void): Promise<Server> {
  const server = new Server({ 'grpc.max_send_message_length': 64 * 1024 * 1024 });
  const absent = (() => {}) as never;
  const service: SpiffeWorkloadAPIServer = {
    fetchX509Svid: accept,
    fetchX509Bundles: accept,
    fetchJwtsvid: absent,
    fetchJwtBundles: absent,
    validateJwtsvid: absent,
    fetchWitsvid: absent,
    fetchWitBundles: absent,
  };
  server.addService(SpiffeWorkloadAPIService, service);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (cause) =>
      cause === null ? resolve() : reject(cause),
    );
  });
  return server;
}
