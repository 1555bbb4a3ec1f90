/**
 * The JWT half of a Workload API on a real socket, which answers whatever a test wants. Only tests import it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type sendUnaryData,
  type status,
} from '@grpc/grpc-js';
import {
  type JWTBundlesRequest,
  type JWTBundlesResponse,
  type JWTSVIDRequest,
  type JWTSVIDResponse,
  SpiffeWorkloadAPIService,
  type ValidateJWTSVIDRequest,
  type ValidateJWTSVIDResponse,
} from '../src/gen/workload.ts';

/** An answer: the message, or a status. */
export type FakeAnswer<Response> =
  | { readonly response: Response }
  | { readonly code: status; readonly details: string };

/** One stream of bundles, seen from the server. */
export interface FakeBundleStream {
  readonly metadata: Metadata;
  send(bundles: Readonly<Record<string, Uint8Array>>): void;
  end(code: status, details: string): void;
  readonly cancelled: Promise<void>;
}

/** A running server, and what it is to answer. */
export interface FakeJwtApi {
  readonly endpoint: string;
  /** Requests for tokens so far. */
  readonly requests: JWTSVIDRequest[];
  readonly validations: ValidateJWTSVIDRequest[];
  readonly metadata: Metadata[];
  onFetch: (request: JWTSVIDRequest) => FakeAnswer<JWTSVIDResponse> | Promise<FakeAnswer<JWTSVIDResponse>>;
  onValidate: (request: ValidateJWTSVIDRequest) => FakeAnswer<ValidateJWTSVIDResponse>;
  nextStream(): Promise<FakeBundleStream>;
  /** Cuts every connection and listens no more, as a crash does. */
  stop(): void;
}

/** Listens until the test ends. */
export async function createFakeJwtApi(t: TestContext): Promise<FakeJwtApi> {
  const directory = await mkdtemp(join(tmpdir(), 'jwt-'));
  const path = join(directory, 'api.sock');
  const server = new Server();
  const streams: FakeBundleStream[] = [];
  const waiting: Array<(stream: FakeBundleStream) => void> = [];
  const api: FakeJwtApi = {
    endpoint: `unix://${path}`,
    requests: [],
    validations: [],
    metadata: [],
    onFetch: () => ({ response: { svids: [] } }),
    onValidate: () => ({ response: { spiffeId: '', claims: undefined } }),
    nextStream() {
      const stream = streams.shift();
      return stream === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(stream);
    },
    stop: () => server.forceShutdown(),
  };
  const accept = (stream: FakeBundleStream) => {
    const taker = waiting.shift();
    if (taker === undefined) streams.push(stream);
    else taker(stream);
  };
  server.addService(SpiffeWorkloadAPIService, handlersOf(api, accept));
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (cause) =>
      cause === null ? resolve() : reject(cause),
    );
  });
  t.after(async () => {
    server.forceShutdown();
    await rm(directory, { recursive: true, force: true });
  });
  return api;
}

function handlersOf(api: FakeJwtApi, accept: (stream: FakeBundleStream) => void) {
  type Call<Request> = { readonly request: Request; readonly metadata: Metadata };
  return {
    fetchJwtsvid(call: Call<JWTSVIDRequest>, respond: sendUnaryData<JWTSVIDResponse>) {
      api.requests.push(call.request);
      api.metadata.push(call.metadata);
      void Promise.resolve(api.onFetch(call.request)).then((answer) => reply(answer, respond));
    },
    validateJwtsvid(call: Call<ValidateJWTSVIDRequest>, respond: sendUnaryData<ValidateJWTSVIDResponse>) {
      api.validations.push(call.request);
      api.metadata.push(call.metadata);
      reply(api.onValidate(call.request), respond);
    },
    fetchJwtBundles(stream: ServerWritableStream<JWTBundlesRequest, JWTBundlesResponse>) {
      accept({
        metadata: stream.metadata,
        send: (bundles) => void stream.write({ bundles: buffers(bundles) }),
        end: (code, details) => void stream.emit('error', { code, details }),
        cancelled: new Promise((resolve) => stream.once('cancelled', resolve)),
      });
    },
  };
}

function reply<Response>(answer: FakeAnswer<Response>, respond: sendUnaryData<Response>): void {
  if ('response' in answer) respond(null, answer.response);
  else respond(answer);
}

function buffers(bundles: Readonly<Record<string, Uint8Array>>): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(bundles).map(([key, bytes]) => [key, Buffer.from(bytes)]));
}
