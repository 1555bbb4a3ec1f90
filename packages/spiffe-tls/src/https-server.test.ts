import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls';
import express from 'express';
import { createCa, createWorkload, idOf, ManualClock, RefusalLog } from '../test/adapter-fixture.ts';
import { createAgent, get, startHttps } from '../test/https-fixture.ts';
import { authorizeId, dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { peerOf } from './peer-of.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** Connects as a program without this library would, sends a request with the handshake, and reads to the end. */
async function rawGet(port: number, options: ConnectionOptions): Promise<{ text: string; localPort: number }> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3', ...options });
  socket.write(REQUEST);
  let localPort = 0;
  socket.once('connect', () => {
    localPort = socket.localPort ?? 0;
  });
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  // A refusal is a reset or a plain end, as the network has it.
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return { text, localPort };
}

test('T32 an Express listener sees the ID of the leaf, through an intermediate, and no other', async (t) => {
  const ca = await createCa();
  const below = await ca.intermediate();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(below, 'client', { bundles: [ca.bundle()] });
  const app = express();
  app.get('/', (request, response) => {
    response.send(`hello ${peerOf(request)?.id} ${peerOf(request.socket)?.id}`);
  });
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, app);
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  const answer = await get(agent, port);
  assert.equal(answer.text, 'hello spiffe://example.org/client spiffe://example.org/client');
});

test('T3 T4 T5 T19 a client that is not one is refused in the handshake, with its code and port, and the listener never runs', async (t) => {
  const ca = await createCa();
  const other = await createCa('other.example');
  const stranger = await createCa('stranger.example');
  const server = await createWorkload(ca, 'server', { bundles: [ca.bundle(), other.bundle()] });
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 1_000) };
  const twoUris = [idOf('x').toString(), idOf('client').toString()];
  const forger = await other.intermediate({ trustDomain: 'example.org' });
  const selfSigner = await createCa();
  const cases = [
    ['no certificate', undefined, 'NO_PEER_CERTIFICATE'],
    ['wrong trust domain', await stranger.issue({ path: '/client' }), 'NO_BUNDLE'],
    ['trust domain not allowed', await other.issue({ path: '/client' }), 'TRUST_DOMAIN_NOT_ALLOWED'],
    ['wrong ID', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED'],
    ['another CA of the same name space', await selfSigner.issue({ path: '/client' }), 'UNTRUSTED_CHAIN'],
    ['signed by another trust domain', await forger.issue({ path: '/client' }), 'UNTRUSTED_CHAIN'],
    ['expired', await ca.issue({ path: '/client', ...past }), 'EXPIRED'],
    ['a CA', await ca.issue({ path: '/client', isCa: true }), 'SVID_IS_CA'],
    ['two URI SANs', await ca.issue({ uris: twoUris }), 'URI_SAN_COUNT'],
    ['no path', await ca.issue({ path: '' }), 'SVID_PATH_EMPTY'],
  ] as const;
  const log = new RefusalLog();
  let requests = 0;
  const { port } = await startHttps(
    t,
    {
      source: server.source,
      authorize: authorizeId(idOf('client')),
      trustDomains: [ca.trustDomain, stranger.trustDomain],
      onRefused: log.onRefused,
    },
    (_request, response) => {
      requests += 1;
      response.end('reached');
    },
  );
  for (const [name, issued, code] of cases) {
    const identity = issued && { cert: issued.certificatePem, key: issued.keyPem };
    const { text, localPort } = await rawGet(port, { ...identity });
    const record = await log.next();
    assert.equal(text, '', name);
    assert.equal(record.code, code, name);
    assert.equal(record.remote?.port, localPort, name);
    assert.deepEqual([record.role, record.transport, record.self], ['server', 'https', 'spiffe://example.org/server']);
  }
  const good = await ca.issue({ path: '/client' });
  assert.match((await rawGet(port, { cert: good.certificatePem, key: good.keyPem })).text, /reached$/);
  assert.equal(requests, 1, 'only the good one');
});

test('a refusal says what was expected and what came', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  const authorize = authorizeId(idOf('client'));
  const { port } = await startHttps(t, { source: server.source, authorize, onRefused: log.onRefused }, () => {});
  const rogue = await ca.issue({ path: '/rogue' });
  await rawGet(port, { cert: rogue.certificatePem, key: rogue.keyPem });
  const record = await log.next();
  assert.equal(record.expected, '"spiffe://example.org/client"');
  assert.equal(record.got, '"spiffe://example.org/rogue"');
  assert.equal(record.peerId, 'spiffe://example.org/rogue');
  assert.match(record.message, /^refused https client 127\.0\.0\.1:\d+: peer: expected .*client", got .*rogue"$/);
});

test('T1 a session that a client saved is not resumed, and it is judged anew', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  let allowed = true;
  const authorize = () => (allowed ? undefined : 'nobody');
  const { port } = await startHttps(t, { source: server.source, authorize, onRefused: log.onRefused }, (_q, r) => {
    r.end('reached');
  });
  const client = await ca.issue({ path: '/client' });
  const secureContext = createSecureContext({ cert: client.certificatePem, key: client.keyPem });
  const sessions: Buffer[] = [];
  const first = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, secureContext });
  first.on('session', (session) => sessions.push(session));
  first.write(REQUEST);
  first.resume();
  await once(first, 'close');
  allowed = false;
  const session = sessions.at(-1);
  const options = { host: '127.0.0.1', port, rejectUnauthorized: false, secureContext };
  const again = connect(session === undefined ? options : { ...options, session });
  again.on('error', () => {});
  await once(again, 'secureConnect');
  assert.equal(again.isSessionReused(), false);
  again.resume();
  await once(again, 'close');
  assert.equal((await log.next()).code, 'PEER_NOT_AUTHORIZED');
});

test('a client below TLS 1.3 is refused and recorded', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  const authorize = dangerouslyAuthorizeAnyPeer();
  const { port } = await startHttps(t, { source: server.source, authorize, onRefused: log.onRefused }, () => {});
  await rawGet(port, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  const record = await log.next();
  assert.equal(record.code, 'NOT_VERIFIED');
  assert.match(record.got ?? '', /UNSUPPORTED_PROTOCOL/);
});

test('T9 without an identity every connection is dropped before the handshake, and served again with one', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const log = new RefusalLog();
  const context = server.source.current();
  server.source.withdraw(new SpiffeTlsError('IDENTITY_WITHDRAWN', 'x509 source: the identity was withdrawn'));
  const authorize = authorizeId(client.id);
  const { port } = await startHttps(t, { source: server.source, authorize, onRefused: log.onRefused }, (_q, r) => {
    r.end('ok');
  });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  await assert.rejects(get(agent, port));
  assert.equal((await log.next()).code, 'IDENTITY_WITHDRAWN');
  server.source.update(context);
  assert.equal((await get(agent, port)).text, 'ok');
});

test('T27 new handshakes see the new SVID, and connections made before go on', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (_q, r) => {
    r.end('ok');
  });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  const before = await get(agent, port);
  await server.rotate();
  const after = await get(agent, port);
  assert.equal(after.clientPort, before.clientPort, 'the connection goes on');
  const issued = await ca.issue({ path: '/client' });
  const fresh = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    cert: issued.certificatePem,
    key: issued.keyPem,
  });
  await once(fresh, 'secureConnect');
  assert.equal(fresh.getPeerX509Certificate()?.serialNumber, server.serial());
  fresh.destroy();
});

test('T31 T32 a client whose CA left the bundle has no peer at once, is told to close, and is closed', async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const server = await createWorkload(ca, 'server', { bundles: [ca.bundle()] });
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id), onRefused: log.onRefused, clock, random: () => 0.5 },
    (request, response) => {
      response.statusCode = peerOf(request) === undefined ? 401 : 200;
      response.end();
    },
  );
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  assert.equal((await get(agent, port)).status, 200);
  server.trust(next.bundle());
  const refused = await get(agent, port);
  assert.equal(refused.status, 401);
  assert.equal(refused.headers.connection, 'close');
  const record = await log.next();
  assert.equal(record.code, 'UNTRUSTED_CHAIN');
  assert.equal(record.remote?.port, refused.clientPort);
});

test('T31 the closing of an idle connection with an expired peer is graceful, jittered and leaves no timer', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await ca.issue({ path: '/client', notAfter: new Date(Date.now() + 60_000) });
  const options = { source: server.source, authorize: authorizeId(idOf('client')), clock, random: () => 0.5 };
  const { server: listening, port } = await startHttps(t, { ...options, closeWithinMs: 1_000 }, (request, response) => {
    response.end(String(peerOf(request)?.id));
  });
  const accepted = once(listening, 'secureConnection');
  const socket = connect({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    cert: client.certificatePem,
    key: client.keyPem,
  });
  const text = collect(socket);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  clock.jump(61_000);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  assert.match(text(), /spiffe:\/\/example\.org\/client[\s\S]*Connection: close[\s\S]*undefined/);
  const [serverSide] = await accepted;
  await once(serverSide, 'close');
  assert.equal(clock.pending, 0);
});

test('a request in progress on a connection that ends may finish, and is cut off after the grace', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client', { issue: { notAfter: new Date(Date.now() + 60_000) } });
  const options = { source: server.source, authorize: authorizeId(client.id), clock, random: () => 0 };
  const { server: listening, port } = await startHttps(t, { ...options, closeGraceMs: 5_000 }, () => {});
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  const answer = get(agent, port);
  await once(listening, 'request');
  clock.advance(60_000);
  // Certificates count whole seconds, so the peer may have ended up to a second earlier.
  clock.advance(3_000);
  assert.equal(clock.pending, 1, 'not yet cut off');
  clock.advance(3_000);
  await assert.rejects(answer, { code: 'ECONNRESET' });
  assert.equal(clock.pending, 0);
});

test('a client that does not do its handshake, or speaks no TLS, is dropped and recorded', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  const options = { source: server.source, authorize: authorizeId(idOf('client')), onRefused: log.onRefused };
  const { port } = await startHttps(t, { ...options, handshakeTimeoutMs: 50 }, () => assert.fail('reached'));
  for (const [bytes, got] of [
    ['', /HANDSHAKE_TIMEOUT/],
    [REQUEST, /HTTP_REQUEST/],
  ] as const) {
    const socket = connectTcp(port, '127.0.0.1');
    socket.on('error', () => {});
    if (bytes !== '') socket.write(bytes);
    socket.resume();
    const record = await log.next();
    assert.match(record.got ?? '', got);
    socket.destroy();
  }
});

test('limits of a server are as documented', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const { server: listening } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(server.id) },
    () => {},
  );
  const { headersTimeout, requestTimeout, keepAliveTimeout, maxConnections } = listening;
  assert.deepEqual([headersTimeout, requestTimeout, keepAliveTimeout, maxConnections], [10_000, 60_000, 30_000, 1024]);
});

test('connections beyond the limit are dropped', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const options = { source: server.source, authorize: authorizeId(client.id), maxConnections: 1 };
  const { server: listening, port } = await startHttps(t, options, (_q, r) => r.end('ok'));
  const [first, second] = [0, 1].map(() =>
    createAgent(t, { source: client.source, authorize: authorizeId(server.id) }),
  );
  assert.ok(first && second);
  assert.equal((await get(first, port)).text, 'ok');
  const dropped = once(listening, 'drop');
  await assert.rejects(get(second, port));
  await dropped;
});

test('while the server closes each answer ends its connection, and nothing of it is left', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const pending: Array<() => void> = [];
  const { server: listening, port } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (_request, response) => {
      pending.push(() => response.end('late'));
    },
  );
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  const answer = get(agent, port);
  await once(listening, 'request');
  const closed = once(listening, 'close');
  listening.close();
  for (const finish of pending) finish();
  const { text, headers } = await answer;
  assert.deepEqual([text, headers.connection], ['late', 'close']);
  await closed;
});

function collect(socket: TLSSocket): () => string {
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  return () => text;
}
