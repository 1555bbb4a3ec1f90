/**
 * Our side of an exchange: servers that remember whom they let in and whom they refused, and one-shot clients. gRPC is the
 * standard health service, which every language has.
 */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { type Server as HttpsServer, type RequestOptions, request } from 'node:https';
import type { TestContext } from 'node:test';
import {
  type Authorizer,
  createSpiffeGrpcChannel,
  createSpiffeGrpcServer,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  createWorkloadApiX509Source,
  peerOf,
  type RefusalRecord,
  type SpiffeHttpsAgent,
  type X509Source,
} from '@countersign/spiffe-tls';
import {
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerInterceptingCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { listenUntilEnd } from './listen.ts';

/** A server of ours on a free port of 127.0.0.1, until the test ends. */
export interface OurServer {
  readonly port: number;
  /** SPIFFE IDs of the peers of handled requests, in order. */
  readonly peers: readonly string[];
  readonly refusals: readonly RefusalRecord[];
  /** The first refusal, past or to come. */
  refused(): Promise<RefusalRecord>;
}

/** Where our side's identity comes from: the address of a Workload API, or a source. */
export type Identity = string | X509Source;

/** A source of a workload's identity; one that is opened here is closed when the test ends. */
export async function sourceOf(t: TestContext, endpoint: Identity): Promise<X509Source> {
  if (typeof endpoint !== 'string') return endpoint;
  const source = createWorkloadApiX509Source({ endpoint });
  t.after(() => source.close());
  await source.ready();
  return source;
}

/** HTTPS; answers `Hello <peer>`. */
export async function serveHttps(t: TestContext, endpoint: Identity, authorize: Authorizer): Promise<OurServer> {
  const source = await sourceOf(t, endpoint);
  return listenHttps(t, (onRefused, listener) => createSpiffeHttpsServer({ source, authorize, onRefused }, listener));
}

/** An HTTPS server in any mode; answers `Hello <peer>`. */
export async function listenHttps(
  t: TestContext,
  create: (onRefused: (record: RefusalRecord) => void, listener: RequestListener) => HttpsServer,
): Promise<OurServer> {
  const seen = createObserver();
  const server = create(seen.onRefused, (incoming, response) => {
    const peer = String(peerOf(incoming)?.id);
    seen.peers.push(peer);
    response.end(`Hello ${peer}`);
  });
  return { ...seen, port: await listenUntilEnd(t, server) };
}

/** An agent over a workload's identity; closed when the test ends. */
export async function openAgent(t: TestContext, endpoint: Identity, authorize: Authorizer): Promise<SpiffeHttpsAgent> {
  const agent = createSpiffeHttpsAgent({ source: await sourceOf(t, endpoint), authorize });
  t.after(() => agent.destroy());
  return agent;
}

/** Ends the connection with the answer, so that the next request needs a new one. */
export const ONE_REQUEST = { connection: 'close' } as const;

/** gRPC: `grpc.health.v1.Health`, Check and Watch, everything SERVING. */
export async function serveGrpc(t: TestContext, endpoint: Identity, authorize: Authorizer): Promise<OurServer> {
  const seen = createObserver();
  const remember: ServerInterceptor = (_method, call) => {
    seen.peers.push(String(peerOf(call)?.id));
    return new ServerInterceptingCall(call);
  };
  const server = new Server({ interceptors: [remember] });
  new HealthImplementation({ '': 'SERVING' }).addToServer(server);
  const options = { source: await sourceOf(t, endpoint), authorize, onRefused: seen.onRefused, server };
  const spiffe = createSpiffeGrpcServer(options);
  const { port } = await spiffe.listen(0);
  t.after(() => spiffe.close());
  return { ...seen, port };
}

/** One GET; the body. */
export async function callHttps(
  t: TestContext,
  endpoint: Identity,
  port: number,
  authorize: Authorizer,
): Promise<string> {
  return getOverHttps(port, await openAgent(t, endpoint, authorize));
}

/** One GET over an agent; the body. */
export async function getOverHttps(
  port: number,
  agent: SpiffeHttpsAgent,
  headers: Readonly<Record<string, string>> = {},
  to: RequestOptions = { host: '127.0.0.1' },
): Promise<string> {
  const outgoing = request({ ...to, port, agent, path: '/', headers });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of response) body += String(chunk);
  if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}: ${body}`);
  return body;
}

/** Check, then the first message of Watch; their statuses, which are equal. */
export async function callGrpc(
  t: TestContext,
  endpoint: Identity,
  port: number,
  authorize: Authorizer,
): Promise<string> {
  const source = await sourceOf(t, endpoint);
  const channel = createSpiffeGrpcChannel({ source, authorize, address: `127.0.0.1:${port}` });
  t.after(() => channel.close());
  const HealthClient = makeGenericClientConstructor(healthService, 'Health');
  const client = new HealthClient('health', credentials.createInsecure(), { channelOverride: channel });
  const checked = await new Promise<string>((resolve, reject) => {
    client['Check']?.({ service: '' }, (error: Error | null, answer?: { status: string }) =>
      error === null ? resolve(String(answer?.status)) : reject(error),
    );
  });
  const stream = client['Watch']?.({ service: '' });
  const [watched] = await once(stream, 'data');
  stream.on('error', () => {});
  stream.cancel();
  if (watched.status !== checked) throw new Error(`Check says ${checked}, Watch ${watched.status}`);
  return checked;
}

/** What a server of ours remembers. */
export function createObserver() {
  const peers: string[] = [];
  const refusals: RefusalRecord[] = [];
  const { promise, resolve } = Promise.withResolvers<RefusalRecord>();
  return {
    peers,
    refusals,
    refused: () => promise,
    onRefused: (record: RefusalRecord) => {
      refusals.push(record);
      resolve(record);
    },
  };
}
