import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import { bundleOf, createCa, createWorkload, idOf, ManualClock, RefusalLog } from '../test/adapter-fixture.ts';
import { createChannel, EchoClient, type EchoHandlers, endOf, startGrpc } from '../test/grpc-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { assertGrpcVersion } from './grpc-version.ts';
import { type AuthContextCarrier, peerOf } from './peer-of.ts';

const idOfPeer = (call: AuthContextCarrier) => ({ text: `${peerOf(call)?.id}` });

/** Handlers of all kinds that answer with the peer they see. */
const whoAmI: EchoHandlers = {
  unary: (call, callback) => callback(null, idOfPeer(call)),
  clientStream: (call, callback) => {
    call.resume();
    call.once('end', () => callback(null, idOfPeer(call)));
  },
  serverStream: (call) => {
    call.write(idOfPeer(call));
    call.end();
  },
  bidi: (call) => {
    call.on('data', () => call.write(idOfPeer(call)));
    call.once('end', () => call.end());
  },
};

async function world() {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  return { ca, server, client };
}

test('T27 peerOf in handlers of all four kinds and in an interceptor', async (t) => {
  const { server, client } = await world();
  const seen: string[] = [];
  const interceptor: ServerInterceptor = (method, call) => {
    seen.push(`${method.path} ${peerOf(call)?.id}`);
    return new ServerInterceptingCall(call);
  };
  const options = { source: server.source, authorize: authorizeId(client.id) };
  const { port } = await startGrpc(t, options, whoAmI, [interceptor]);
  const echo = new EchoClient(createChannel(t, { source: client.source, authorize: authorizeId(server.id) }, port));
  const me = 'spiffe://example.org/client';
  assert.equal(await echo.unary(), me);
  assert.equal(await echo.clientStream('a', 'b'), me);
  const [fromServer] = await once(echo.serverStream(), 'data');
  assert.equal(fromServer.text, me);
  const bidi = echo.bidi();
  bidi.write({ text: 'x' });
  const [fromBidi] = await once(bidi, 'data');
  assert.equal(fromBidi.text, me);
  bidi.end();
  await once(bidi, 'status');
  assert.deepEqual(
    seen,
    ['Unary', 'ClientStream', 'ServerStream', 'Bidi'].map((name) => `/test.Echo/${name} ${me}`),
  );
});

/** Speaks HTTP/2 over TLS as a program without this library would, and sends a call with the handshake. */
async function foreignCall(port: number, tls: ConnectionOptions): Promise<{ reached: boolean; localPort: number }> {
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...tls };
  const socket = connect(options);
  let localPort = 0;
  socket.once('connect', () => {
    localPort = socket.localPort ?? 0;
  });
  socket.on('error', () => {});
  const session = connectHttp2('https://test', { createConnection: () => socket });
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': '/test.Echo/Unary',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let reached = false;
  stream.on('response', () => {
    reached = true;
    session.destroy();
  });
  stream.on('error', () => {});
  stream.end(Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]));
  await new Promise((resolve) => socket.once('close', resolve));
  session.destroy();
  return { reached, localPort };
}

test('T3 T4 T5 a client that is not one is refused before HTTP/2, with its code and port, and no handler runs', async (t) => {
  const { ca, server } = await world();
  const stranger = await createCa('stranger.example');
  const impostor = await createCa();
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 1_000) };
  const cases = [
    ['no certificate', undefined, 'NO_PEER_CERTIFICATE'],
    ['wrong trust domain', await stranger.issue({ path: '/client' }), 'NO_BUNDLE'],
    ['wrong ID', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED'],
    ['another CA', await impostor.issue({ path: '/client' }), 'UNTRUSTED_CHAIN'],
    ['expired', await ca.issue({ path: '/client', ...past }), 'EXPIRED'],
  ] as const;
  const log = new RefusalLog();
  let calls = 0;
  const options = { source: server.source, authorize: authorizeId(idOf('client')), onRefused: log.onRefused };
  const unary: EchoHandlers['unary'] = (_call, callback) => {
    calls += 1;
    callback(null, { text: '' });
  };
  const { port } = await startGrpc(t, options, { unary });
  for (const [name, issued, code] of cases) {
    const identity = issued && { cert: issued.certificatePem, key: issued.keyPem };
    const { reached, localPort } = await foreignCall(port, { ...identity });
    const record = await log.next();
    assert.equal(record.code, code, name);
    assert.equal(record.remote?.port, localPort, name);
    assert.deepEqual([reached, record.role, record.transport], [false, 'server', 'grpc'], name);
  }
  const good = await ca.issue({ path: '/client' });
  assert.equal((await foreignCall(port, { cert: good.certificatePem, key: good.keyPem })).reached, true);
  assert.equal(calls, 1, 'only the good one');
});

test('a client that does not speak HTTP/2 is refused', async (t) => {
  const { ca, server } = await world();
  const log = new RefusalLog();
  const options = { source: server.source, authorize: authorizeId(idOf('client')), onRefused: log.onRefused };
  const { port } = await startGrpc(t, options, {});
  const { certificatePem: cert, keyPem: key } = await ca.issue({ path: '/client' });
  for (const alpn of [{}, { ALPNProtocols: ['http/1.1'] }]) {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, cert, key, ...alpn });
    socket.on('error', () => {});
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal((await log.next()).code, 'ALPN_MISMATCH');
  }
});

test('T27 a stream survives the rotation of the server, whose next connection uses the new SVID', async (t) => {
  const { server, client } = await world();
  const { port } = await startGrpc(t, { source: server.source, authorize: authorizeId(client.id) }, whoAmI);
  const options = { source: client.source, authorize: authorizeId(server.id) };
  const echo = new EchoClient(createChannel(t, options, port));
  const stream = echo.bidi();
  stream.write({ text: '1' });
  await once(stream, 'data');
  await server.rotate();
  stream.write({ text: '2' });
  await once(stream, 'data');
  assert.equal(await serialAt(port, client.source.current().svid), server.serial());
  stream.end();
  await once(stream, 'status');
});

async function serialAt(
  port: number,
  svid: { certificatePem: string; privateKeyPem(): string },
): Promise<string | undefined> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    cert: svid.certificatePem,
    key: svid.privateKeyPem(),
  });
  await once(socket, 'secureConnect');
  const serial = socket.getPeerX509Certificate()?.serialNumber;
  socket.destroy();
  return serial;
}

test('T31 a call whose peer is no longer verified has no peer at once, in handlers and interceptors, and the connection ends', async (t) => {
  const { ca, server, client } = await world();
  const next = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const options = { source: server.source, authorize: authorizeId(client.id), clock, random: () => 0.5 };
  const calls: AuthContextCarrier[] = [];
  const interceptor: ServerInterceptor = (_method, call) => {
    calls.push(call);
    return new ServerInterceptingCall(call);
  };
  const timing = { closeWithinMs: 1_000, closeGraceMs: 2_000, onRefused: log.onRefused };
  const { port } = await startGrpc(t, { ...options, ...timing }, whoAmI, [interceptor]);
  const echo = new EchoClient(createChannel(t, { source: client.source, authorize: authorizeId(server.id) }, port));
  const stream = echo.bidi();
  stream.write({ text: '1' });
  const [first] = await once(stream, 'data');
  assert.equal(first.text, 'spiffe://example.org/client');
  server.trust(next.bundle());
  assert.equal(calls[0] && peerOf(calls[0]), undefined);
  assert.equal((await log.next()).code, 'UNTRUSTED_CHAIN');
  assert.equal(await echo.unary(), 'undefined', 'a new call over the same connection');
  stream.write({ text: '2' });
  const [second] = await once(stream, 'data');
  assert.equal(second.text, 'undefined');
  const ended = endOf(stream);
  clock.advance(1_000);
  clock.advance(2_000);
  const end = await ended;
  assert.equal(end.code, status.UNAVAILABLE);
  server.trust(bundleOf(ca));
  assert.equal(await echo.unary(), 'spiffe://example.org/client', 'a new connection');
});

test('drain lets calls finish, takes no new ones and closes the port; close is idempotent', async (t) => {
  const { server, client } = await world();
  const { spiffe, port } = await startGrpc(t, { source: server.source, authorize: authorizeId(client.id) }, whoAmI);
  const echo = new EchoClient(createChannel(t, { source: client.source, authorize: authorizeId(server.id) }, port));
  const stream = echo.bidi();
  stream.write({ text: '1' });
  await once(stream, 'data');
  const ended = endOf(stream);
  const drained = spiffe.drain(60_000);
  stream.write({ text: '2' });
  await once(stream, 'data');
  stream.end();
  const end = await ended;
  assert.equal(end.code, status.OK);
  await drained;
  await assert.rejects(echo.unary(), { code: status.UNAVAILABLE });
  await Promise.all([spiffe.close(), spiffe.close()]);
});

test('drain cuts off what is left after the grace', async (t) => {
  const { server, client } = await world();
  const { spiffe, port } = await startGrpc(t, { source: server.source, authorize: authorizeId(client.id) }, whoAmI);
  const echo = new EchoClient(createChannel(t, { source: client.source, authorize: authorizeId(server.id) }, port));
  const stream = echo.bidi();
  stream.write({ text: '1' });
  await once(stream, 'data');
  const ended = endOf(stream);
  await spiffe.drain(10);
  const end = await ended;
  assert.equal(end.code, status.UNAVAILABLE);
});

test('a grpc-js outside the range is named', () => {
  for (const version of ['1.13.4', '1.16.0', '2.14.0']) {
    assert.throws(() => assertGrpcVersion(version), { name: 'TypeError', message: new RegExp(`got ${version}$`) });
  }
  assertGrpcVersion('1.15.2');
  assertGrpcVersion();
});

test('T31 a stream has no peer from the moment its SVID ends, even before a timer fires', async (t) => {
  const { ca, server } = await world();
  const client = await createWorkload(ca, 'client', { issue: { notAfter: new Date(Date.now() + 60_000) } });
  const clock = new ManualClock();
  const { port } = await startGrpc(t, { source: server.source, authorize: authorizeId(client.id), clock }, whoAmI);
  const echo = new EchoClient(createChannel(t, { source: client.source, authorize: authorizeId(server.id) }, port));
  const stream = echo.bidi();
  for (const [afterMs, expected] of [
    [0, 'spiffe://example.org/client'],
    [61_000, 'undefined'],
  ] as const) {
    clock.jump(afterMs);
    stream.write({ text: '' });
    const [message] = await once(stream, 'data');
    assert.equal(message.text, expected);
  }
  stream.end();
  await endOf(stream);
});
