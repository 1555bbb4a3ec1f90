/** Several servers behind one name, as a headless Service of Kubernetes has them. */
import assert from 'node:assert/strict';
import { promises as dns } from 'node:dns';
import { type TestContext, test } from 'node:test';
import { createChainSigner } from '@countersign/caller-chain';
import { HelloServiceClient, HelloServiceService } from '@countersign/contracts';
import {
  authorizeId,
  createSpiffeGrpcServer,
  createStaticX509Source,
  type SpiffeGrpcServer,
  type X509Source,
} from '@countersign/spiffe-tls';
import { createTestCa, type TestCa } from '@countersign/testkit';
import { Server, type ServerOptions } from '@grpc/grpc-js';
import { callUnary, SERVER_OPTIONS } from './grpc-call.ts';
import { openGrpcConnection } from './grpc-client.ts';

/** Other systems than Linux have one loopback address, and a name's servers all have the same port. */
const needsLinux = process.platform === 'linux' ? {} : { skip: 'needs several loopback addresses' };
const NAME = 'servers.test';
const [FIRST, SECOND, THIRD] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

/** Calls, each answered with the address of the server that got it, and the servers to be had under the name. */
async function world(t: TestContext, options: ServerOptions = SERVER_OPTIONS) {
  const ca = await createTestCa({ trustDomain: 'example.org' });
  const client = await sourceOf(ca, '/client');
  const server = await sourceOf(ca, '/server');
  let addresses: readonly string[] = [];
  t.mock.method(dns, 'lookup', async () => addresses.map((address) => ({ address, family: 4 })));
  let port = 0;
  const start = async (address: string): Promise<SpiffeGrpcServer> => {
    const grpc = new Server(options);
    grpc.addService(HelloServiceService, {
      sayHello: (_call: unknown, callback: (error: null, answer: { message: string }) => void) =>
        callback(null, { message: address }),
    });
    const authorize = authorizeId(client.current().svid.id);
    const listener = createSpiffeGrpcServer({ source: server, authorize, server: grpc });
    t.after(() => listener.close());
    ({ port } = await listener.listen(port, address));
    addresses = [...addresses, address];
    return listener;
  };
  const connect = () => {
    const connection = openGrpcConnection({
      source: client,
      self: () => undefined,
      chainSigner: createChainSigner({ source: client }),
      address: { host: NAME, port },
      serverId: server.current().svid.id,
    });
    t.after(() => connection.close());
    const hello = new HelloServiceClient(...connection.clientArguments);
    const say = hello.sayHello.bind(hello);
    return async () => (await callUnary(say, {}, Date.now() + 5_000)).response.message;
  };
  const moveTo = (...named: string[]) => {
    addresses = named;
  };
  return { start, connect, moveTo };
}

async function sourceOf(ca: TestCa, path: string): Promise<X509Source> {
  return createStaticX509Source(ca.context(await ca.issue({ path })));
}

/** Who answered how many of so many calls, made a few at a time. A call that fails fails the test. */
async function answersOf(call: () => Promise<string>, count: number): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  for (let made = 0; made < count; made += 4) {
    for (const address of await Promise.all([call(), call(), call(), call()]))
      answers.set(address, (answers.get(address) ?? 0) + 1);
  }
  return answers;
}

/** Calls until somebody else answers than before: a connection to a second server is made beside the first one's calls. */
async function untilAnsweredBy(call: () => Promise<string>, address: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await call()) !== address) assert.ok(Date.now() < deadline, `${address} got no call within 10 s`);
}

test('two servers behind one name get calls by turns', needsLinux, async (t) => {
  const { start, connect } = await world(t);
  await start(FIRST);
  await start(SECOND);
  const call = connect();
  for (const address of [FIRST, SECOND]) await untilAnsweredBy(call, address);
  const answers = await answersOf(call, 40);
  assert.deepEqual([answers.get(FIRST), answers.get(SECOND)], [20, 20]);
});

test('one that dies is left: no call fails, and the other gets them all', needsLinux, async (t) => {
  const { start, connect } = await world(t);
  await start(FIRST);
  const dying = await start(SECOND);
  const call = connect();
  for (const address of [FIRST, SECOND]) await untilAnsweredBy(call, address);
  const [during] = await Promise.all([answersOf(call, 200), dying.close()]);
  assert.equal((during.get(FIRST) ?? 0) + (during.get(SECOND) ?? 0), 200);
  assert.deepEqual([...(await answersOf(call, 20))], [[FIRST, 20]]);
});

test('the name moves to other servers: calls follow at once, and none fails', needsLinux, async (t) => {
  const { start, connect, moveTo } = await world(t);
  const old = [await start(FIRST), await start(SECOND)];
  const call = connect();
  for (const address of [FIRST, SECOND]) await untilAnsweredBy(call, address);
  await start(THIRD);
  moveTo(THIRD);
  await Promise.all(old.map((server) => server.drain(1_000)));
  assert.deepEqual([...(await answersOf(call, 20))], [[THIRD, 20]]);
});

test(
  'a server that is added gets calls when connections have had their time, and no call fails by that',
  needsLinux,
  async (t) => {
    const age = SERVER_OPTIONS['grpc.max_connection_age_ms'];
    assert.ok(age > 0 && age <= 60_000, `${age} ms`);
    const { start, connect } = await world(t, { ...SERVER_OPTIONS, 'grpc.max_connection_age_ms': 300 });
    await start(FIRST);
    const call = connect();
    assert.deepEqual([...(await answersOf(call, 20))], [[FIRST, 20]]);
    await start(SECOND);
    await untilAnsweredBy(call, SECOND);
    const answers = await answersOf(call, 600);
    assert.equal((answers.get(FIRST) ?? 0) + (answers.get(SECOND) ?? 0), 600);
  },
);
