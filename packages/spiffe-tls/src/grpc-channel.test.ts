import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connectivityState, type ServiceError, status } from '@grpc/grpc-js';
import {
  bundleOf,
  createCa,
  createWorkload,
  idOf,
  ManualClock,
  RefusalLog,
  type TestWorkload,
} from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { createChannel, EchoClient, type EchoHandlers, endOf, startGrpc } from '../test/grpc-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { isRetiredStream } from './grpc-call.ts';
import { createSpiffeGrpcChannel } from './grpc-channel.ts';
import { peerOf } from './peer-of.ts';

/** Answers each call with the serial number of the peer's SVID. */
const serials: EchoHandlers = {
  unary: (call, callback) => callback(null, { text: `${peerOf(call)?.serialNumber}` }),
  bidi: (call) => {
    call.on('data', () => call.write({ text: `${peerOf(call)?.serialNumber}` }));
    call.once('end', () => call.end());
  },
  serverStream: (call) => {
    call.write({ text: 'first' });
  },
};

async function world() {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  return { ca, server, client };
}

const serverOptions = (server: TestWorkload, client: TestWorkload) => ({
  source: server.source,
  authorize: authorizeId(client.id),
});

async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  const error = await call.then(
    () => assert.fail('the call must fail'),
    (reason: ServiceError) => reason,
  );
  return error;
}

test('T3 T4 T5 a server that is not the one fails the call with the reason, and not a byte is sent to it', async (t) => {
  const { ca, client } = await world();
  const stranger = await createCa('stranger.example');
  const impostor = await createCa();
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 1_000) };
  const cases = [
    [
      'wrong ID',
      await ca.issue({ path: '/rogue' }),
      'PEER_NOT_AUTHORIZED',
      /expected "spiffe:.*server", got "spiffe:.*rogue"/,
    ],
    ['no bundle', await stranger.issue({ path: '/server' }), 'NO_BUNDLE', /"stranger\.example".*bundle.*got none/],
    ['another CA', await impostor.issue({ path: '/server' }), 'UNTRUSTED_CHAIN', /got/],
    ['expired', await ca.issue({ path: '/server', ...past }), 'EXPIRED', /got/],
  ] as const;
  const log = new RefusalLog();
  for (const [name, issued, code, message] of cases) {
    const foreign = await startForeignServer(t, issued, { ALPNProtocols: ['h2'] });
    const options = { source: client.source, authorize: authorizeId(idOf('server')), onRefused: log.onRefused };
    const channel = createChannel(t, options, foreign.port);
    const error = await failureOf(new EchoClient(channel).unary('secret'));
    assert.equal(error.code, status.UNAVAILABLE, name);
    assert.match(error.details, message, name);
    assert.ok(error.cause instanceof SpiffeTlsError, name);
    assert.equal(error.cause.code, code, name);
    channel.close();
    const record = await log.next();
    assert.deepEqual([record.role, record.transport, record.code], ['client', 'grpc', code], name);
    assert.equal(record.remote?.port, foreign.port, name);
    assert.equal(foreign.received(), '', name);
  }
});

test('a server that does not agree on HTTP/2 fails the call', async (t) => {
  const { ca, client } = await world();
  const { port } = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const options = { source: client.source, authorize: authorizeId(idOf('server')) };
  const error = await failureOf(new EchoClient(createChannel(t, options, port)).unary());
  assert.ok(error.cause instanceof SpiffeTlsError);
  assert.equal(error.cause.code, 'ALPN_MISMATCH');
});

test('T28 IP address and name as target', async (t) => {
  const { server, client } = await world();
  const { port } = await startGrpc(t, serverOptions(server, client), serials);
  for (const host of ['127.0.0.1', 'localhost']) {
    const options = { source: client.source, authorize: authorizeId(server.id), address: `${host}:${port}` };
    assert.equal(await new EchoClient(createChannel(t, options, port)).unary(), client.serial(), host);
  }
});

test('an address that is not host:port is refused at construction', async () => {
  const { client } = await world();
  const options = { source: client.source, authorize: authorizeId(client.id) };
  for (const address of ['', 'localhost', 'unix:/x', 'dns:///a:1', '::1:443', 'a:b', 'a:123456']) {
    assert.throws(() => createSpiffeGrpcChannel({ ...options, address }), TypeError, address);
  }
});

test('without an identity a call fails with the reason', async (t) => {
  const { server, client } = await world();
  const { port } = await startGrpc(t, serverOptions(server, client), serials);
  client.source.withdraw();
  const options = { source: client.source, authorize: authorizeId(server.id) };
  const error = await failureOf(new EchoClient(createChannel(t, options, port)).unary());
  assert.match(error.details, /the identity was withdrawn/);
  assert.ok(error.cause instanceof SpiffeTlsError);
  assert.equal(error.cause.code, 'IDENTITY_WITHDRAWN');
});

test('T27 after a rotation calls use the new SVID, a stream goes on until the window ends, and is told why it ends', async (t) => {
  const { server, client } = await world();
  const clock = new ManualClock();
  const { port } = await startGrpc(t, serverOptions(server, client), serials);
  const options = { source: client.source, authorize: authorizeId(server.id), clock, random: () => 0.5 };
  const channel = createChannel(t, options, port);
  const echo = new EchoClient(channel);
  const former = client.serial();
  assert.equal(await echo.unary(), former);
  const stream = echo.bidi();
  const ended = endOf(stream);
  stream.write({ text: '' });
  await once(stream, 'data');
  await client.rotate();
  // An hour's SVID: the window is 6 minutes, new connections begin after 1.5, streams end after 5.25.
  clock.advance(60_000);
  assert.equal(await echo.unary(), former, 'before its moment the former connection serves');
  clock.advance(40_000);
  assert.equal(await serialWhenChanged(echo, former), client.serial());
  stream.write({ text: '' });
  const [still] = await once(stream, 'data');
  assert.equal(still.text, former, 'the stream goes on');
  clock.advance(5 * 60_000);
  const end = await ended;
  assert.equal(end.code, status.UNAVAILABLE);
  assert.ok(isRetiredStream(end));
  assert.equal(await echo.unary(), client.serial());
});

/** Calls until the answer changes: the new connection takes over when it is made, and no call may fail meanwhile. */
async function serialWhenChanged(echo: EchoClient, former: string): Promise<string> {
  for (;;) {
    const serial = await echo.unary();
    if (serial !== former) return serial;
  }
}

test('T27 a slow unary call is not cut off by the end of the window, a server stream is', async (t) => {
  const { server, client } = await world();
  const clock = new ManualClock();
  const release: Array<() => void> = [];
  const { port } = await startGrpc(t, serverOptions(server, client), {
    ...serials,
    unary: (call, callback) => {
      if (call.request.text === 'slow') release.push(() => callback(null, { text: 'done' }));
      else serials.unary?.(call, callback);
    },
  });
  const options = { source: client.source, authorize: authorizeId(server.id), clock, random: () => 0 };
  const echo = new EchoClient(createChannel(t, options, port));
  const former = client.serial();
  const stream = echo.serverStream();
  const ended = endOf(stream);
  await once(stream, 'data');
  const slow = echo.unary('slow');
  await echo.unary();
  await client.rotate();
  clock.advance(0);
  await serialWhenChanged(echo, former);
  clock.advance(7 * 60_000);
  assert.ok(isRetiredStream(await ended));
  for (const answer of release) answer();
  assert.equal(await slow, 'done');
});

test('T27 T30 no call fails over many rotations of both sides, a CA change among them', async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startGrpc(t, serverOptions(server, client), serials);
  const options = { source: client.source, authorize: authorizeId(server.id), retireWindow: 0 };
  const echo = new EchoClient(createChannel(t, options, port));
  let running = true;
  let calls = 0;
  const loops = Array.from({ length: 4 }, async () => {
    while (running) {
      await echo.unary();
      calls += 1;
    }
  });
  const steps: Array<() => void | Promise<void>> = [
    () => client.rotate(),
    () => server.rotate(),
    () => server.trust(bundleOf(ca, next)),
    () => client.trust(bundleOf(ca, next)),
    () => client.rotate({ ca: next }),
    () => server.rotate({ ca: next }),
  ];
  for (const step of steps) {
    const former = await echo.unary();
    await step();
    if (former !== client.serial()) await serialWhenChanged(echo, former);
  }
  // The server's connection was verified by a chain to the old CA: dropping it moves the calls to a new connection.
  server.trust(next.bundle());
  client.trust(next.bundle());
  assert.equal(await echo.unary(), client.serial());
  running = false;
  await Promise.all(loops);
  assert.ok(calls > 0);
});

test('T31 nothing is sent to a server whose SVID has expired', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server', { issue: { notAfter: new Date(Date.now() + 60_000) } });
  const client = await createWorkload(ca, 'client');
  const clock = new ManualClock();
  let calls = 0;
  const { port } = await startGrpc(t, serverOptions(server, client), {
    unary: (_call, callback) => {
      calls += 1;
      callback(null, { text: '' });
    },
  });
  const options = { source: client.source, authorize: authorizeId(server.id), clock };
  const echo = new EchoClient(createChannel(t, options, port));
  await echo.unary();
  clock.jump(61_000);
  const error = await failureOf(echo.unary());
  assert.ok(error.cause instanceof SpiffeTlsError);
  assert.equal(error.cause.code, 'EXPIRED');
  assert.equal(calls, 1);
});

test('a server that is unreachable during a rotation keeps its connection', async (t) => {
  const { ca, server, client } = await world();
  const clock = new ManualClock();
  const { port } = await startGrpc(t, serverOptions(server, client), serials);
  const options = { source: client.source, authorize: authorizeId(server.id), clock, random: () => 0 };
  const echo = new EchoClient(createChannel(t, options, port));
  const former = await echo.unary();
  // The client's next SVID is one that the server will not verify: the successor can't connect.
  const stranger = await createCa();
  await client.rotate({ ca: stranger });
  clock.advance(10 * 60_000);
  assert.equal(await echo.unary(), former);
  await client.rotate({ ca });
  clock.advance(10 * 60_000);
  assert.equal(await serialWhenChanged(echo, former), client.serial());
});

test('close leaves no timer, also in the middle of a rotation', async (t) => {
  const { server, client } = await world();
  const clock = new ManualClock();
  const { port } = await startGrpc(t, serverOptions(server, client), serials);
  const options = { source: client.source, authorize: authorizeId(server.id), clock, random: () => 0.5 };
  const channel = createSpiffeGrpcChannel({ ...options, address: `127.0.0.1:${port}` });
  const echo = new EchoClient(channel);
  await echo.unary();
  await client.rotate();
  clock.advance(100_000);
  const stream = echo.bidi();
  const ended = endOf(stream);
  stream.write({ text: '' });
  await once(stream, 'data');
  channel.close();
  stream.end();
  assert.equal((await ended).code, status.OK, 'a call on the wire may still end by itself');
  assert.equal(channel.getConnectivityState(false), connectivityState.SHUTDOWN);
  while (clock.pending > 0) await new Promise((resolve) => setImmediate(resolve));
});
