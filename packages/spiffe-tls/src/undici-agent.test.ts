import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import * as undici from 'undici';
import { Agent, request, fetch as undiciFetch } from 'undici';
import { createCa, createWorkload, idOf, ManualClock, RefusalLog } from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { portOf, startHttps } from '../test/https-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import { peerOf } from './peer-of.ts';
import type { SpiffeTlsOptions } from './spiffe-tls-options.ts';
import { createSpiffeUndiciAgent, type SpiffeUndiciAgentOptions } from './undici-agent.ts';

type Options = Omit<SpiffeUndiciAgentOptions<Agent>, 'Agent'> & SpiffeTlsOptions;

function createAgent(t: TestContext, options: Options): Agent {
  const agent = createSpiffeUndiciAgent({ Agent, ...options });
  t.after(() => agent.destroy());
  return agent;
}

/** Sends a request with a body, and gives what came back or what went wrong. */
async function post(dispatcher: Agent, port: number): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(`https://127.0.0.1:${port}/`, {
    method: 'POST',
    body: 'secret',
    dispatcher,
  });
  return { status: statusCode, text: await body.text() };
}

async function failureOf(promise: Promise<unknown>): Promise<SpiffeTlsError> {
  const error = await promise.then(
    () => assert.fail('it was not refused'),
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof SpiffeTlsError, String(error));
  return error;
}

test('a request and a fetch reach a verified server, which sees who calls', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (q, r) => {
    r.end(peerOf(q)?.id.toString());
  });
  const dispatcher = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  assert.ok(dispatcher instanceof Agent);
  assert.deepEqual(await post(dispatcher, port), { status: 200, text: client.id.toString() });
  const answer = await undiciFetch(`https://127.0.0.1:${port}/`, { dispatcher });
  assert.equal(await answer.text(), client.id.toString());
});

test("Node's own fetch takes the agent as its dispatcher, and fails with the reason", async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { port } = await startHttps(t, { source: server.source, authorize: authorizeId(client.id) }, (_q, r) => {
    r.end('ok');
  });
  let expected = server.id;
  const dispatcher = createAgent(t, { source: client.source, authorize: (id) => authorizeId(expected)(id) });
  // Node's fetch talks to dispatchers as undici 7 does; undici 8 brings the translation.
  const isNew = 'Dispatcher1Wrapper' in undici;
  const options: object = { dispatcher: isNew ? new undici.Dispatcher1Wrapper(dispatcher) : dispatcher };
  assert.equal(await (await fetch(`https://127.0.0.1:${port}/`, options)).text(), 'ok');
  expected = idOf('other');
  client.trust(ca.bundle(), (await createCa('partner.example')).bundle());
  await assert.rejects(fetch(`https://127.0.0.1:${port}/`, options), (error: Error) => {
    assert.ok(error.cause instanceof SpiffeTlsError);
    return error.cause.code === 'PEER_NOT_AUTHORIZED';
  });
});

test('L17 T4 a server that is not who it should be gets not a byte', async (t) => {
  const ca = await createCa();
  const other = await createCa();
  const partner = await createCa('partner.example');
  const client = await createWorkload(ca, 'client', { bundles: [ca.bundle(), partner.bundle()] });
  const past = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };
  const cases = [
    ['another identity', await ca.issue({ path: '/rogue' }), 'PEER_NOT_AUTHORIZED'],
    ['another CA of the same name', await other.issue({ path: '/server' }), 'UNTRUSTED_CHAIN'],
    ['no bundle', await (await createCa('unknown.example')).issue({ path: '/server' }), 'NO_BUNDLE'],
    ['a partner that mints our ID', await partner.issue({ uris: ['spiffe://example.org/server'] }), 'UNTRUSTED_CHAIN'],
    ['expired', await ca.issue({ ...past, path: '/server' }), 'EXPIRED'],
    [
      'client purpose only',
      await ca.issue({ path: '/server', extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] }),
      'EXTENDED_KEY_USAGE',
    ],
  ] as const;
  const log = new RefusalLog();
  const dispatcher = createAgent(t, {
    source: client.source,
    authorize: authorizeId(idOf('server')),
    onRefused: log.onRefused,
  });
  for (const [name, issued, code] of cases) {
    const foreign = await startForeignServer(t, issued);
    const ended = foreign.nextClosed();
    assert.equal((await failureOf(post(dispatcher, foreign.port))).code, code, name);
    const record = await log.next();
    assert.deepEqual([record.role, record.code, record.remote?.port], ['client', code, foreign.port], name);
    await ended;
    assert.equal(foreign.received(), '', name);
  }
});

test('T5 without a bundle, or without an identity, nobody is asked', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client', { bundles: [] });
  const dispatcher = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  const { port } = await startForeignServer(t, await ca.issue({ path: '/server' }));
  assert.equal((await failureOf(post(dispatcher, port))).code, 'NO_BUNDLE');
  client.source.withdraw();
  assert.equal((await failureOf(post(dispatcher, port))).code, 'IDENTITY_WITHDRAWN');
});

test('an http: URL is refused, and nothing is sent', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  let connections = 0;
  const plain = createServer().on('connection', () => {
    connections += 1;
  });
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  t.after(() => plain.close());
  const dispatcher = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  await assert.rejects(request(`http://127.0.0.1:${portOf(plain)}/`, { dispatcher }), /must begin with https:/);
  assert.equal(connections, 0);
});

test('T1 no session is offered to a server that would resume it', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const dispatcher = createAgent(t, { source: client.source, authorize: authorizeId(idOf('server')) });
  const foreign = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const reused: boolean[] = [];
  foreign.server.on('secureConnection', (socket) => {
    reused.push(socket.isSessionReused());
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  await post(dispatcher, foreign.port);
  await post(dispatcher, foreign.port);
  assert.deepEqual(reused, [false, false]);
});

test("options for undici's agent can not weaken the connection", async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const rogue = await startForeignServer(t, await ca.issue({ path: '/rogue' }));
  const dispatcher = createAgent(t, {
    source: client.source,
    authorize: authorizeId(idOf('server')),
    agent: {
      connect: { rejectUnauthorized: false },
      factory: (origin: string) => new Agent().compose(() => assert.fail(origin)),
    },
  });
  assert.equal((await failureOf(post(dispatcher, rogue.port))).code, 'PEER_NOT_AUTHORIZED');
  assert.equal(rogue.received(), '');
});

test('T27 after a rotation requests go over a new connection; one in flight finishes on its own', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const release: Array<() => void> = [];
  const { server: listening, port } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (q, r) => {
      release.push(() => r.end(peerOf(q)?.serialNumber));
      if (release.length > 1) for (const send of release.splice(0)) send();
    },
  );
  const dispatcher = createAgent(t, {
    source: client.source,
    authorize: authorizeId(server.id),
    clock,
    retireWindow: 0,
  });
  const former = client.serial();
  const inFlight = post(dispatcher, port);
  await once(listening, 'request');
  const [oldSocket] = await Promise.all([
    once(listening, 'secureConnection'),
    client.rotate().then(() => {
      clock.advance(0);
      return post(dispatcher, port).then((fresh) => assert.equal(fresh.text, client.serial()));
    }),
  ]);
  assert.ok(oldSocket.length > 0);
  assert.equal((await inFlight).text, former);
});

test('T27 a rotation under a loop of requests fails none, and ends the idle connections of before', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const { server: listening, port } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (q, r) => {
      r.end(peerOf(q)?.serialNumber);
    },
  );
  const dispatcher = createAgent(t, {
    source: client.source,
    authorize: authorizeId(server.id),
    clock,
    retireWindow: 0,
  });
  for (let round = 0; round < 5; round += 1) {
    const accepted = once(listening, 'secureConnection');
    const answers = await Promise.all([post(dispatcher, port), post(dispatcher, port), post(dispatcher, port)]);
    assert.ok(answers.every(({ text }) => text === client.serial()));
    const [idle] = await accepted;
    const closed = once(idle, 'close');
    await client.rotate();
    clock.advance(0);
    await closed;
  }
});

test('T31 nothing is sent to a server whose SVID has expired or whose CA left the bundle', async (t) => {
  const ca = await createCa();
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
  const dispatcher = createAgent(t, options);
  await post(dispatcher, port);
  // Expired, and the timer has not fired yet: the request must not go out over the connection there is.
  clock.jump(61_000);
  assert.equal((await failureOf(post(dispatcher, port))).code, 'EXPIRED');
  const [open, tried] = [await log.next(), await log.next()];
  assert.deepEqual([open.code, tried.code], ['EXPIRED', 'EXPIRED']);
  assert.notEqual(open.local?.port, tried.local?.port, 'the connection that was open, then the one that was tried');
  await server.rotate();
  await post(dispatcher, port);
  client.trust((await createCa()).bundle());
  assert.equal((await failureOf(post(dispatcher, port))).code, 'UNTRUSTED_CHAIN');
  assert.equal(requests, 2);
});

test('close waits for what is in flight, and leaves no connection and no timer', async (t) => {
  const ca = await createCa();
  const clock = new ManualClock();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  let release = () => {};
  const { server: listening, port } = await startHttps(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    (_q, r) => {
      release = () => r.end('done');
    },
  );
  const dispatcher = createAgent(t, { source: client.source, authorize: authorizeId(server.id), clock });
  const accepted = once(listening, 'secureConnection');
  const inFlight = post(dispatcher, port);
  await once(listening, 'request');
  const [serverSide] = await accepted;
  const socketClosed = once(serverSide, 'close');
  const closed = dispatcher.close();
  release();
  assert.equal((await inFlight).text, 'done');
  await closed;
  await socketClosed;
  assert.equal(clock.pending, 0);
  assert.equal(dispatcher.closed, true);
  await assert.rejects(post(dispatcher, port), { code: 'UND_ERR_DESTROYED' });
});

test('wrong use is refused at once', async () => {
  const { source } = await createWorkload(await createCa(), 'client');
  const authorize = authorizeId(idOf('server'));
  for (const options of [
    { source, authorize },
    { Agent, source },
    { Agent, source, authorize, retireWindow: 2 },
  ])
    assert.throws(() => Reflect.apply(createSpiffeUndiciAgent, undefined, [options]), TypeError);
});
