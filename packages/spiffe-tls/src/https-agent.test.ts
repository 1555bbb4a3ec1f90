import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { test } from 'node:test';
import { bundleOf, createCa, createWorkload, idOf, ManualClock, RefusalLog } from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { createAgent, get, startHttps } from '../test/https-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { peerOf } from './peer-of.ts';

test('T3 a server is who its SVID says, whatever the host name; a wrong host name does not excuse a wrong SVID', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (_q, r) => {
    r.end('ok');
  });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  for (const host of ['127.0.0.1', 'localhost']) assert.equal((await get(agent, port, { host })).text, 'ok', host);
  const stranger = await createCa();
  const { port: strange } = await startForeignServer(t, await stranger.issue({ path: '/server' }));
  for (const host of ['127.0.0.1', 'localhost']) {
    await assert.rejects(get(agent, strange, { host }), { code: 'UNTRUSTED_CHAIN' }, host);
  }
});

test('T3 T4 T5 T19 a server that is not the one is refused, and not a byte is sent to it', async (t) => {
  const ca = await createCa();
  const other = await createCa('other.example');
  const stranger = await createCa('stranger.example');
  const client = await createWorkload(ca, 'client', { bundles: [ca.bundle(), other.bundle()] });
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 1_000) };
  const forger = await other.intermediate({ trustDomain: 'example.org' });
  const cases = [
    ['wrong ID', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED'],
    ['another trust domain', await other.issue({ path: '/server' }), 'PEER_NOT_AUTHORIZED'],
    ['no bundle', await stranger.issue({ path: '/server' }), 'NO_BUNDLE'],
    ['signed by another trust domain', await forger.issue({ path: '/server' }), 'UNTRUSTED_CHAIN'],
    ['expired', await ca.issue({ path: '/server', ...past }), 'EXPIRED'],
    [
      'client purpose only',
      await ca.issue({ path: '/server', extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] }),
      'EXTENDED_KEY_USAGE',
    ],
  ] as const;
  const log = new RefusalLog();
  const agent = createAgent(t, {
    source: client.source,
    authorize: authorizeId(idOf('server')),
    onRefused: log.onRefused,
  });
  for (const [name, issued, code] of cases) {
    const foreign = await startForeignServer(t, issued);
    const ended = foreign.nextClosed();
    const error = await get(agent, foreign.port, { body: 'secret' }).then(
      () => assert.fail(name),
      (e: unknown) => e,
    );
    assert.ok(error instanceof SpiffeTlsError, name);
    assert.equal(error.code, code, name);
    const record = await log.next();
    assert.deepEqual([record.role, record.transport, record.code], ['client', 'https', code], name);
    assert.equal(record.remote?.port, foreign.port, name);
    await ended;
    assert.equal(foreign.received(), '', name);
  }
});

test('T5 without a bundle no server is accepted', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client', { bundles: [] });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  const { port } = await startForeignServer(t, await ca.issue({ path: '/server' }));
  await assert.rejects(get(agent, port), { code: 'NO_BUNDLE' });
});

test('a refusal says what was expected and what came', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  const { port } = await startForeignServer(t, await ca.issue({ path: '/rogue' }));
  await assert.rejects(get(agent, port), {
    name: 'SpiffeTlsError',
    code: 'PEER_NOT_AUTHORIZED',
    message: 'peer: expected "spiffe://example.org/server", got "spiffe://example.org/rogue"',
  });
});

test('T1 no session is offered to a server that would resume it', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  const foreign = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const reused: boolean[] = [];
  foreign.server.on('secureConnection', (socket) => {
    reused.push(socket.isSessionReused());
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  await get(agent, foreign.port);
  await get(agent, foreign.port);
  assert.deepEqual(reused, [false, false]);
});

test('without an identity a request fails with the reason, and works again with one', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (_q, r) => {
    r.end('ok');
  });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  const context = client.source.current();
  client.source.withdraw();
  await assert.rejects(get(agent, port), { code: 'IDENTITY_WITHDRAWN' });
  client.source.update(context);
  assert.equal((await get(agent, port)).text, 'ok');
});

test('T27 after a rotation requests go over a new connection with the new SVID, and none fails', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (request, r) => {
    r.end(peerOf(request)?.serialNumber);
  });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id), clock, random: () => 0.5 });
  const first = await get(agent, port);
  const former = client.serial();
  assert.equal(first.text, former);
  await client.rotate();
  const inWindow = await get(agent, port);
  assert.equal(inWindow.clientPort, first.clientPort, 'the former connection serves until its moment has come');
  // The SVID lives an hour: the window is 6 minutes, the moment a quarter of it.
  clock.advance(6 * 60_000);
  const after = await get(agent, port);
  assert.notEqual(after.clientPort, first.clientPort);
  assert.equal(after.text, client.serial());
  assert.notEqual(after.text, former);
});

test('T27 a request in flight at the retirement finishes on its connection, which is not used again', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const release: Array<() => void> = [];
  const { server: listening, port } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (request, response) => {
      release.push(() => response.end(peerOf(request)?.serialNumber));
      if (release.length > 1) for (const send of release) send();
    },
  );
  const clock = new ManualClock();
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id), clock, retireWindow: 0 });
  const former = client.serial();
  const inFlight = get(agent, port);
  await once(listening, 'request');
  await client.rotate();
  clock.advance(0);
  const [old, fresh] = await Promise.all([inFlight, get(agent, port)]);
  assert.deepEqual([old.text, fresh.text], [former, client.serial()]);
  const third = await get(agent, port);
  assert.equal(third.clientPort, fresh.clientPort, 'the new connection is kept, the former is not');
  assert.equal(Object.values(agent.freeSockets).flat().length, 1);
});

test('T27 requests that wait for a connection are served across a retirement', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (request, r) => {
    r.end(peerOf(request)?.serialNumber);
  });
  const clock = new ManualClock();
  const agent = createAgent(t, {
    source: client.source,
    authorize: authorizeId(server.id),
    clock,
    retireWindow: 0,
    maxSockets: 1,
  });
  const waiting = [0, 1, 2, 3].map(() => get(agent, port));
  await client.rotate();
  clock.advance(0);
  const answers = await Promise.all([...waiting, get(agent, port), get(agent, port)]);
  assert.equal(answers.at(-1)?.text, client.serial());
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(Object.keys(agent.requests).length, 0);
});

test('T31 nothing is sent to a server whose SVID has expired or whose CA left the bundle', async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const server = await createWorkload(ca, 'server', { issue: { notAfter: new Date(Date.now() + 60_000) } });
  const client = await createWorkload(ca, 'client');
  let requests = 0;
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (_q, r) => {
    requests += 1;
    r.end();
  });
  const options = { source: client.source, authorize: authorizeId(server.id), onRefused: log.onRefused, clock };
  const agent = createAgent(t, options);
  const first = await get(agent, port);
  // Expired, and the timer has not fired yet: the request must not go out over the connection there is.
  clock.jump(61_000);
  await assert.rejects(get(agent, port), { code: 'EXPIRED' });
  assert.equal((await log.next()).local?.port, first.clientPort, 'the connection that was open');
  assert.equal((await log.next()).code, 'EXPIRED', 'the one that was tried');
  await server.rotate();
  await get(agent, port);
  client.trust(next.bundle());
  await assert.rejects(get(agent, port), { code: 'UNTRUSTED_CHAIN' });
  assert.equal(requests, 2);
});

test('T11 T12 a bundle that grows, or the same material again, disturbs no connection', async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (_q, r) => {
    r.end();
  });
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id), retireWindow: 0 });
  const { clientPort } = await get(agent, port);
  for (const workload of [server, client]) {
    workload.source.update(workload.source.current());
    workload.trust(bundleOf(ca, next));
  }
  assert.equal((await get(agent, port)).clientPort, clientPort);
});

test('an idle connection is given up before the server gives it up', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const authorize = authorizeId(client.id);
  const { port } = await startHttps(t, { source: server.source, authorize, keepAliveTimeoutMs: 10_000 }, (_q, r) =>
    r.end(),
  );
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  await get(agent, port);
  const [idle] = Object.values(agent.freeSockets).flat();
  assert.ok(idle !== undefined && (idle.timeout ?? 0) > 0);
  assert.ok((idle.timeout ?? 0) <= 9_000, `gives up after ${idle.timeout} ms`);
});

test('destroy leaves no connection and no timer', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port, server: listening } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (_q, r) => {
      r.end();
    },
  );
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id), clock });
  const accepted = once(listening, 'secureConnection');
  await get(agent, port);
  await client.rotate();
  const [serverSide] = await accepted;
  const closed = once(serverSide, 'close');
  agent.destroy();
  await closed;
  assert.equal(clock.pending, 0);
});

test('options of a request can not weaken the connection', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  const rogue = await startForeignServer(t, await ca.issue({ path: '/rogue' }));
  const outgoing = request({
    host: '127.0.0.1',
    port: rogue.port,
    agent,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ca: [ca.pem],
  });
  outgoing.end('secret');
  await assert.rejects(once(outgoing, 'response'), { code: 'PEER_NOT_AUTHORIZED' });
  assert.equal(rogue.received(), '');
});
