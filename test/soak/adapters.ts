/**
 * Every adapter of spiffe-tls in this process, as server where it can be one and as client: what leaks shows here, where
 * listeners, timers and the heap can be seen. The identities are those of the running system.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { type Agent as HttpsAgent, request } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { RunningSystem } from '@countersign/local-stack';
import {
  authorizeId,
  connectSpiffeHttp2,
  createSpiffeGrpcChannel,
  createSpiffeGrpcServer,
  createSpiffeHttp2Server,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  createSpiffePgPool,
  createSpiffeUndiciAgent,
  createWorkloadApiX509Source,
  isRetiredStream,
  peerOf,
  SpiffeId,
  type X509Source,
} from '@countersign/spiffe-tls';
import { credentials, makeGenericClientConstructor, Server, type ServiceError } from '@grpc/grpc-js';
import { HealthImplementation, service as healthService } from 'grpc-health-check';
import { Pool } from 'pg';
import { Agent, fetch } from 'undici';
import { type SteadyCalls, startSteadyCalls } from './steady.ts';

/** All of them, under load. */
export interface AdaptersUnderLoad {
  readonly loops: readonly SteadyCalls[];
  /** Subscriptions to the sources at this moment. */
  subscriptions(): number;
  stop(): Promise<void>;
}

/** What it takes of a system. */
export interface SystemToLoad extends Pick<RunningSystem, 'identities' | 'postgres'> {
  /** Workload API address at which this process is that workload. */
  socketAs(workload: string): Promise<string>;
}

const PAUSE_MS = 25;

/** Starts servers as backend, clients as customer, and a pool as db-client. */
export async function loadAdapters(system: SystemToLoad): Promise<AdaptersUnderLoad> {
  const stack = new AsyncDisposableStack();
  let subscriptions = 0;
  const counting = (source: X509Source): X509Source => ({
    current: () => source.current(),
    subscribe(listener) {
      subscriptions += 1;
      const stop = source.subscribe(listener);
      let counted = true;
      return () => {
        if (counted) subscriptions -= 1;
        counted = false;
        stop();
      };
    },
  });
  const sourceOf = async (workload: string) => {
    const source = stack.adopt(createWorkloadApiX509Source({ endpoint: await system.socketAs(workload) }), (it) =>
      it.close(),
    );
    await source.ready();
    return counting(source);
  };
  const idOf = (workload: string) => SpiffeId.parse(system.identities.workload(workload).spiffeId);
  const server = { source: await sourceOf('backend'), authorize: authorizeId(idOf('customer')) };
  const client = { source: await sourceOf('customer'), authorize: authorizeId(idOf('backend')) };
  const database = { source: await sourceOf('db-client'), authorize: authorizeId(idOf('postgres')) };
  const loops = [
    ...(await loadHttps(stack, server, client)),
    await loadHttp2(stack, server, client),
    ...(await loadGrpc(stack, server, client)),
    loadPostgres(stack, system, database),
  ];
  const stop = async () => {
    await Promise.all(loops.map((loop) => loop.stop()));
    await stack.disposeAsync();
  };
  return { loops, subscriptions: () => subscriptions, stop };
}

interface Side {
  readonly source: X509Source;
  readonly authorize: ReturnType<typeof authorizeId>;
}

/** One server for the agent of `node:https` and for that of undici. */
async function loadHttps(stack: AsyncDisposableStack, server: Side, client: Side): Promise<SteadyCalls[]> {
  const listening = createSpiffeHttpsServer(server, (incoming, response) => {
    response.end(String(peerOf(incoming)?.id));
  });
  const port = await listen(stack, listening);
  stack.defer(() => listening.closeAllConnections());
  const agent = stack.adopt(createSpiffeHttpsAgent(client), (it) => it.destroy());
  const dispatcher = stack.adopt(createSpiffeUndiciAgent({ Agent, ...client }), (it) => it.close());
  const expected = String(client.source.current().svid.id);
  return [
    startSteadyCalls('https', PAUSE_MS, async () => assert.equal(await get(agent, port), expected)),
    startSteadyCalls('undici', PAUSE_MS, async () => {
      const response = await fetch(`https://127.0.0.1:${port}/`, { dispatcher });
      assert.equal(await response.text(), expected);
    }),
  ];
}

async function get(agent: HttpsAgent, port: number): Promise<string> {
  const outgoing = request({ host: '127.0.0.1', port, agent });
  outgoing.end();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

async function loadHttp2(stack: AsyncDisposableStack, server: Side, client: Side): Promise<SteadyCalls> {
  const listening = createSpiffeHttp2Server(server, (incoming, response) => {
    response.end(String(peerOf(incoming)?.id));
  });
  const port = await listen(stack, listening);
  const expected = String(client.source.current().svid.id);
  let session: ClientHttp2Session | undefined;
  stack.defer(() => session?.destroy());
  return startSteadyCalls('http2', PAUSE_MS, async () => {
    if (session === undefined || session.closed || session.destroyed)
      session = await connectSpiffeHttp2({ ...client, authority: `https://127.0.0.1:${port}` });
    const stream = session.request({ ':path': '/' });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    assert.equal(text, expected);
  });
}

/** Unary calls, and a stream that is opened again whenever a rotation ends it. */
async function loadGrpc(stack: AsyncDisposableStack, server: Side, client: Side): Promise<SteadyCalls[]> {
  const grpc = new Server();
  const health = new HealthImplementation({ '': 'SERVING' });
  health.addToServer(grpc);
  const spiffe = createSpiffeGrpcServer({ ...server, server: grpc });
  const { port } = await spiffe.listen(0);
  stack.defer(() => spiffe.close());
  const channel = createSpiffeGrpcChannel({ ...client, address: `127.0.0.1:${port}` });
  stack.defer(() => channel.close());
  const HealthClient = makeGenericClientConstructor(healthService, 'Health');
  const calls = new HealthClient('health', credentials.createInsecure(), { channelOverride: channel });
  return [
    startSteadyCalls('grpc unary', PAUSE_MS, () => check(calls)),
    startSteadyCalls('grpc stream', PAUSE_MS, (stopping) => watchUntilRetired(calls, stopping)),
  ];
}

type HealthCalls = InstanceType<ReturnType<typeof makeGenericClientConstructor>>;

function check(calls: HealthCalls): Promise<void> {
  return new Promise((resolve, reject) => {
    calls['Check']?.({ service: '' }, (error: ServiceError | null) => (error === null ? resolve() : reject(error)));
  });
}

/** Succeeds when the stream gave its message and then ended as planned: retired by a rotation, or because we stop. */
function watchUntilRetired(calls: HealthCalls, stopping: AbortSignal): Promise<void> {
  const stream = calls['Watch']?.({ service: '' });
  const cancel = () => stream.cancel();
  stopping.addEventListener('abort', cancel, { once: true });
  return new Promise<void>((resolve, reject) => {
    let messages = 0;
    stream.on('data', () => {
      messages += 1;
    });
    stream.on('error', (error: ServiceError) => {
      if (stopping.aborted || (messages > 0 && isRetiredStream(error))) resolve();
      else reject(error);
    });
    stream.on('end', () => reject(new Error('the server ended the stream')));
  }).finally(() => stopping.removeEventListener('abort', cancel));
}

function loadPostgres(stack: AsyncDisposableStack, system: SystemToLoad, database: Side): SteadyCalls {
  const { host, port, database: name } = system.postgres;
  const pool = createSpiffePgPool({
    ...database,
    Pool,
    pool: { host, port, database: name, user: system.identities.workload('db-client').postgresRole, max: 4 },
  });
  stack.defer(() => pool.end());
  return startSteadyCalls('pg', PAUSE_MS, async () => {
    const { rows } = await pool.query('select 1 as one');
    assert.deepEqual(rows, [{ one: 1 }]);
  });
}

async function listen(stack: AsyncDisposableStack, server: NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}
