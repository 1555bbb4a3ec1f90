import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import type { IssuedSvid } from '@countersign/testkit';
import { createCa, createWorkload, idOf, ManualClock, RefusalLog } from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { portOf } from '../test/https-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { connectSpiffeHttp2, type SpiffeHttp2ClientOptions } from './http2-client.ts';
import { createSpiffeHttp2Server, type Http2RequestListener, type SpiffeHttp2ServerOptions } from './http2-server.ts';
import { peerOf } from './peer-of.ts';

/** A server that listens until the test ends. */
async function start(t: TestContext, options: SpiffeHttp2ServerOptions, listener: Http2RequestListener) {
  const server = createSpiffeHttp2Server(options, listener);
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return { server, port: portOf(server) };
}

type ClientOptions = Omit<SpiffeHttp2ClientOptions, 'authority'>;

async function open(t: TestContext, port: number, options: ClientOptions): Promise<ClientHttp2Session> {
  const session = await connectSpiffeHttp2({ ...options, authority: `https://127.0.0.1:${port}` });
  t.after(() => session.destroy());
  return session;
}

/** Sends a request over a session and reads the answer. */
async function get(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** A TLS client that does not use this library; resolves when its connection has ended. */
async function foreignClient(port: number, issued: IssuedSvid | undefined, options: ConnectionOptions = {}) {
  const identity = issued === undefined ? {} : { cert: issued.certificatePem, key: issued.keyPem };
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ...identity,
    ALPNProtocols: ['h2'],
    ...options,
  });
  socket.on('error', () => {});
  const session = connect('https://127.0.0.1', { createConnection: () => socket });
  session.on('error', () => {});
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => {});
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  session.destroy();
}

test('peerOf knows the peer of a request, a stream and a session, on both ends', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await start(t, { source: server.source, authorize: authorizeId(client.id) }, (request, response) => {
    const { stream } = request;
    const seen = [peerOf(request), peerOf(stream), stream.session && peerOf(stream.session)];
    response.end(seen.map((peer) => peer?.id.toString()).join());
  });
  const session = await open(t, port, { source: client.source, authorize: authorizeId(server.id) });
  assert.equal(await get(session), [client.id, client.id, client.id].join());
  assert.equal(peerOf(session)?.id.toString(), server.id.toString());
  assert.equal(peerOf(session.request({ ':path': '/' }))?.id.toString(), server.id.toString());
});

test('L17 L10 T4 a client that is not who it should be reaches no handler', async (t) => {
  const ca = await createCa();
  const partner = await createCa('partner.example');
  const server = await createWorkload(ca, 'server', { bundles: [ca.bundle(), partner.bundle()] });
  const log = new RefusalLog();
  let handled = 0;
  const options = { source: server.source, authorize: authorizeId(idOf('client')), onRefused: log.onRefused };
  const { server: listening, port } = await start(t, options, (_request, response) => {
    handled += 1;
    response.end();
  });
  listening.on('session', () => {
    handled += 1;
  });
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };
  const client = await ca.issue({ path: '/client' });
  const cases = [
    ['no certificate', undefined, 'NO_PEER_CERTIFICATE', {}],
    ['another identity', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED', {}],
    ['another CA of the same name', await (await createCa()).issue({ path: '/client' }), 'UNTRUSTED_CHAIN', {}],
    ['no bundle', await (await createCa('unknown.example')).issue({ path: '/client' }), 'NO_BUNDLE', {}],
    [
      'a partner that mints our ID',
      await partner.issue({ uris: ['spiffe://example.org/client'] }),
      'UNTRUSTED_CHAIN',
      {},
    ],
    ['expired', await ca.issue({ ...past, path: '/client' }), 'EXPIRED', {}],
    [
      'two IDs',
      await ca.issue({ uris: ['spiffe://example.org/client', 'spiffe://example.org/b'] }),
      'URI_SAN_COUNT',
      {},
    ],
    ['http/1.1', client, 'ALPN_MISMATCH', { ALPNProtocols: ['http/1.1'] }],
    ['no protocol', client, 'ALPN_MISMATCH', { ALPNProtocols: [] }],
  ] as const;
  for (const [name, issued, code, tlsOptions] of cases) {
    await foreignClient(port, issued, {
      ...tlsOptions,
      ...('ALPNProtocols' in tlsOptions && { ALPNProtocols: [...tlsOptions.ALPNProtocols] }),
    });
    const record = await log.next();
    assert.deepEqual([record.role, record.code], ['server', code], name);
  }
  assert.equal(handled, 0);
});

test('L17 T4 a server that is not who it should be gets not even the preface', async (t) => {
  const ca = await createCa();
  const partner = await createCa('partner.example');
  const client = await createWorkload(ca, 'client', { bundles: [ca.bundle(), partner.bundle()] });
  const server = await ca.issue({ path: '/server' });
  const cases = [
    ['another identity', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED', ['h2']],
    ['another CA of the same name', await (await createCa()).issue({ path: '/server' }), 'UNTRUSTED_CHAIN', ['h2']],
    [
      'a partner that mints our ID',
      await partner.issue({ uris: ['spiffe://example.org/server'] }),
      'UNTRUSTED_CHAIN',
      ['h2'],
    ],
    ['no application protocol', server, 'ALPN_MISMATCH', undefined],
  ] as const;
  for (const [name, issued, code, alpn] of cases) {
    const foreign = await startForeignServer(t, issued, alpn === undefined ? {} : { ALPNProtocols: [...alpn] });
    const ended = foreign.nextClosed();
    const options = { source: client.source, authorize: authorizeId(idOf('server')) };
    await assert.rejects(open(t, foreign.port, options), (error) => {
      assert.ok(error instanceof SpiffeTlsError, name);
      assert.equal(error.code, code, name);
      return true;
    });
    await ended;
    assert.equal(foreign.received(), '', name);
  }
});

test('T1 a TLS session that was saved does not get past an authorizer that has been tightened', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  let allowed = true;
  const authorize = () => (allowed ? undefined : 'nobody');
  const { port } = await start(
    t,
    { source: server.source, authorize, onRefused: log.onRefused },
    (_request, response) => {
      response.end();
    },
  );
  const client = await ca.issue({ path: '/client' });
  const identity = {
    cert: client.certificatePem,
    key: client.keyPem,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  };
  const first = connectTls({ host: '127.0.0.1', port, ...identity });
  const [session] = await once(first, 'session');
  first.destroy();
  allowed = false;
  const second = connectTls({ host: '127.0.0.1', port, ...identity, session });
  second.on('error', () => {});
  await once(second, 'secureConnect');
  assert.equal(second.isSessionReused(), false);
  assert.equal((await log.next()).code, 'PEER_NOT_AUTHORIZED');
  if (!second.closed) await once(second, 'close');
});

test('T27 after a rotation a session ends, what is in flight finishes, and the next one has the new SVID', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  let release = () => {};
  const { server: listening, port } = await start(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (request, response) => {
      const serial = peerOf(request)?.serialNumber;
      release = () => response.end(serial ?? '');
      listening.emit('handled');
    },
  );
  const options = { source: client.source, authorize: authorizeId(server.id), clock };
  const session = await open(t, port, options);
  const former = client.serial();
  const handled = once(listening, 'handled');
  const inFlight = get(session);
  await handled;
  await client.rotate();
  await server.rotate();
  // The SVID lives an hour: the window is 6 minutes. It takes no more in the first half, and is cut off in the last quarter.
  clock.advance(3 * 60_000);
  assert.equal(session.closed, true);
  const closed = once(session, 'close');
  release();
  assert.equal(await inFlight, former);
  await closed;
  const next = await open(t, port, options);
  assert.equal(peerOf(next)?.serialNumber, server.serial(), 'the server presents its new SVID');
  const again = once(listening, 'handled');
  const answer = get(next);
  await again;
  release();
  assert.equal(await answer, client.serial());
});

test('T27 a request made in the turn of the event loop in which its session retires is served', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await start(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (_request, response) => {
      response.end('served');
    },
  );
  const session = await open(t, port, { source: client.source, authorize: authorizeId(server.id), clock });
  assert.equal(await get(session), 'served');
  const closed = once(session, 'close');
  await client.rotate();
  const answer = get(session);
  clock.advance(3 * 60_000);
  assert.equal(await answer, 'served');
  await closed;
  assert.equal(session.closed, true);
});

test('T27 a stream that outlives the window is cut off, and no timer is left', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { server: listening, port } = await start(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    () => {},
  );
  const session = await open(t, port, { source: client.source, authorize: authorizeId(server.id), clock });
  const started = once(listening, 'stream');
  const stream = session.request({ ':path': '/' });
  const streamClosed = once(stream, 'close').catch(() => {});
  await started;
  const closed = once(session, 'close');
  await client.rotate();
  clock.advance(60 * 60_000);
  await closed;
  await streamClosed;
  assert.equal(session.destroyed, true);
  if (clock.pending > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(clock.pending, 0);
});

test('T31 a client whose CA left has no peer from that moment, gets GOAWAY, and its streams may end', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const options = { source: server.source, authorize: authorizeId(client.id), clock, onRefused: log.onRefused };
  const { port } = await start(t, options, (request, response) => {
    response.end(String(peerOf(request)?.id));
  });
  const session = await open(t, port, { source: client.source, authorize: authorizeId(server.id) });
  assert.equal(await get(session), client.id.toString());
  server.trust((await createCa()).bundle());
  assert.equal((await log.next()).code, 'UNTRUSTED_CHAIN');
  assert.equal(await get(session), 'undefined', 'no peer, so a guard answers 401');
  const goaway = once(session, 'goaway');
  const closed = once(session, 'close');
  clock.advance(5_000);
  await goaway;
  await closed;
});

test('T31 a client whose SVID has expired has no peer, though no timer has fired', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client', { issue: { notAfter: new Date(Date.now() + 60_000) } });
  const { port } = await start(
    t,
    { source: server.source, authorize: authorizeId(client.id), clock, onRefused: log.onRefused },
    (request, response) => {
      response.end(String(peerOf(request)?.id));
    },
  );
  const session = await open(t, port, { source: client.source, authorize: authorizeId(server.id) });
  assert.equal(await get(session), client.id.toString());
  clock.jump(61_000);
  assert.equal(await get(session), 'undefined');
  assert.deepEqual(
    log.records.map(({ code }) => code),
    ['EXPIRED'],
    'and its connection is being closed',
  );
});

test('T31 a session to a server that is no longer verified takes no request', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  let requests = 0;
  const { port } = await start(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (_request, response) => {
      requests += 1;
      response.end();
    },
  );
  const session = await open(t, port, { source: client.source, authorize: authorizeId(server.id) });
  await get(session);
  assert.equal(requests, 1);
  client.trust((await createCa()).bundle());
  assert.equal(session.closed, true);
  await assert.rejects(get(session), { code: 'ERR_HTTP2_GOAWAY_SESSION' });
  assert.equal(peerOf(session), undefined);
  assert.equal(requests, 1);
});

test('without an identity nothing is opened and nobody is let in', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const log = new RefusalLog();
  const { port } = await start(
    t,
    { source: server.source, authorize: authorizeId(client.id), onRefused: log.onRefused },
    (_request, response) => {
      response.end();
    },
  );
  const options = { source: client.source, authorize: authorizeId(server.id) };
  server.source.withdraw();
  await assert.rejects(open(t, port, options), { code: 'ECONNRESET' });
  assert.equal((await log.next()).code, 'IDENTITY_WITHDRAWN');
  client.source.withdraw();
  await assert.rejects(open(t, port, options), { code: 'IDENTITY_WITHDRAWN' });
});

test('connecting can be aborted, before and meanwhile', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const { server, port } = await startForeignServer(t, await ca.issue({ path: '/server' }), { ALPNProtocols: ['h2'] });
  const options = { source: client.source, authorize: authorizeId(idOf('server')) };
  await assert.rejects(open(t, port, { ...options, signal: AbortSignal.abort() }), { name: 'AbortError' });
  const abort = new AbortController();
  server.once('connection', () => abort.abort());
  await assert.rejects(open(t, port, { ...options, signal: abort.signal }), { name: 'AbortError' });
  await assert.rejects(connectSpiffeHttp2({ ...options, authority: 'http://127.0.0.1' }), TypeError);
});

test('T15 a session that no verdict stands behind is destroyed', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const { server: listening } = await start(
    t,
    { source: server.source, authorize: authorizeId(idOf('client')) },
    () => {},
  );
  let destroyed = false;
  const stranger = {
    socket: {},
    destroy() {
      destroyed = true;
    },
  };
  Reflect.apply(listening.emit, listening, ['session', stranger]);
  assert.equal(destroyed, true);
});
