import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { createCa, createWorkload, idOf, ManualClock, RefusalLog } from '../test/adapter-fixture.ts';
import { createAgent, get, startHttps } from '../test/https-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { createSpiffeHttpsAgent } from './https-agent.ts';
import type { LiveConnectionsOptions } from './live-connections.ts';
import type { Authorizer } from './peer.ts';
import { peerOf } from './peer-of.ts';

/** A server with a policy and one idle connection to it, whose client does not mind what the server is up to. */
async function setUp(t: TestContext, policy: LiveConnectionsOptions, authorize?: Authorizer) {
  const ca = await createCa();
  const clock = new ManualClock();
  const log = new RefusalLog();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client', { issue: { notAfter: new Date(Date.now() + 60_000) } });
  const { server: listening, port } = await startHttps(
    t,
    {
      source: server.source,
      authorize: authorize ?? authorizeId(client.id),
      onRefused: log.onRefused,
      clock,
      ...policy,
    },
    (request, response) => {
      response.end(String(peerOf(request)?.id));
    },
  );
  const options = { source: client.source, authorize: authorizeId(server.id) };
  const agent = createAgent(t, options);
  const accepted = once(listening, 'secureConnection');
  const first = await get(agent, port);
  const [socket] = await accepted;
  assert.equal(first.text, client.id.toString());
  const codes = () => log.records.map(({ code }) => code);
  const ask = () => get(agent, port);
  const askAnew = () => get(createAgent(t, options), port);
  return { ca, clock, server, client, socket, port: first.clientPort, ask, askAnew, codes };
}

test("T31 onPeerInvalid 'ignore': the connection stays, peer and all, and nothing is reported", async (t) => {
  const { server, client, ask, port, codes } = await setUp(t, { onPeerInvalid: 'ignore' });
  server.trust((await createCa()).bundle());
  const answer = await ask();
  assert.deepEqual([answer.text, answer.clientPort], [client.id.toString(), port]);
  assert.deepEqual(codes(), []);
});

test("T31 onPeerInvalid 'ignore' is for connections that are there: a new one is refused", async (t) => {
  const { server, askAnew, codes } = await setUp(t, { onPeerInvalid: 'ignore' });
  server.trust((await createCa()).bundle());
  await assert.rejects(askAnew());
  assert.deepEqual(codes(), ['UNTRUSTED_CHAIN']);
});

test("T31 onPeerInvalid 'destroy': cut off at once when the CA left, with no time passing", async (t) => {
  const { server, socket, clock, codes } = await setUp(t, { onPeerInvalid: 'destroy' });
  const closed = once(socket, 'close');
  server.trust((await createCa()).bundle());
  assert.equal(socket.destroyed, true);
  await closed;
  assert.deepEqual(codes(), ['UNTRUSTED_CHAIN']);
  assert.equal(clock.pending, 0);
});

test("T31 onPeerInvalid 'destroy': also when the trust domain has no bundle any more, or the authorizer was tightened", async (t) => {
  const gone = await setUp(t, { onPeerInvalid: 'destroy' });
  gone.server.trust();
  assert.deepEqual([gone.socket.destroyed, gone.codes()], [true, ['NO_BUNDLE']]);
  let expected = idOf('client');
  const tightened = await setUp(t, { onPeerInvalid: 'destroy' }, (id) => authorizeId(expected)(id));
  expected = idOf('other');
  tightened.server.trust(tightened.ca.bundle(), (await createCa('partner.example')).bundle());
  assert.deepEqual([tightened.socket.destroyed, tightened.codes()], [true, ['PEER_NOT_AUTHORIZED']]);
  await Promise.all([gone.socket, tightened.socket].map((socket) => socket.closed || once(socket, 'close')));
});

test("T31 'drain' is the default: no peer at once, closed within the time given", async (t) => {
  const { server, socket, clock, ask, codes } = await setUp(t, { closeWithinMs: 1_000 });
  server.trust((await createCa()).bundle());
  assert.equal(socket.destroyed, false);
  assert.deepEqual(codes(), ['UNTRUSTED_CHAIN']);
  const closed = once(socket, 'close');
  assert.equal((await ask()).text, 'undefined');
  clock.advance(1_000);
  await closed;
  assert.equal(clock.pending, 0);
});

test("T31 onPeerExpiry 'destroy': cut off when the SVID ends", async (t) => {
  const { socket, clock, codes } = await setUp(t, { onPeerExpiry: 'destroy', onPeerInvalid: 'ignore' });
  const closed = once(socket, 'close');
  clock.advance(61_000);
  assert.equal(socket.destroyed, true);
  await closed;
  assert.deepEqual(codes(), ['EXPIRED']);
});

test("T31 onPeerExpiry 'ignore': the connection outlives the SVID, also when bundles change afterwards", async (t) => {
  const { ca, server, client, clock, ask, port, codes } = await setUp(t, { onPeerExpiry: 'ignore' });
  assert.equal(clock.pending, 0, 'no timer');
  clock.advance(61_000);
  server.trust(ca.bundle(), (await createCa('partner.example')).bundle());
  const answer = await ask();
  assert.deepEqual([answer.text, answer.clientPort], [client.id.toString(), port]);
  assert.deepEqual(codes(), []);
});

test("T31 onPeerExpiry 'ignore' hides neither that the CA left nor that the authorizer was tightened", async (t) => {
  const policy = { onPeerExpiry: 'ignore', onPeerInvalid: 'destroy' } as const;
  const left = await setUp(t, policy);
  left.clock.advance(61_000);
  left.server.trust((await createCa()).bundle());
  assert.deepEqual([left.socket.destroyed, left.codes()], [true, ['UNTRUSTED_CHAIN']]);
  let expected = idOf('client');
  const tightened = await setUp(t, policy, (id) => authorizeId(expected)(id));
  tightened.clock.advance(61_000);
  expected = idOf('other');
  tightened.server.trust(tightened.ca.bundle(), (await createCa('partner.example')).bundle());
  assert.deepEqual([tightened.socket.destroyed, tightened.codes()], [true, ['PEER_NOT_AUTHORIZED']]);
  await Promise.all([left.socket, tightened.socket].map((socket) => socket.closed || once(socket, 'close')));
});

test('T9 T31 a withdrawn identity ends connections whatever the policy', async (t) => {
  const { server, socket, clock } = await setUp(t, { onPeerExpiry: 'ignore', onPeerInvalid: 'ignore' });
  server.source.withdraw();
  const closed = once(socket, 'close');
  clock.advance(0);
  await closed;
});

test('a policy that is none is refused at once', async () => {
  const { source } = await createWorkload(await createCa(), 'client');
  const usual = { source, authorize: authorizeId(idOf('server')) };
  for (const wrong of [{ onPeerInvalid: 'close' }, { onPeerExpiry: '' }, { onPeerExpiry: null }])
    assert.throws(() => Reflect.apply(createSpiffeHttpsAgent, undefined, [{ ...usual, ...wrong }]), TypeError);
});
