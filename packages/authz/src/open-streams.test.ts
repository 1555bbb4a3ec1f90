/** Calls that are open when the policy changes: over a real server, and a thousand at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import { type ClientDuplexStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { bundleWith, CALLER, GRANTS, peerOfId, SELF } from '../test/bundles.ts';
import { engineOver, policy } from '../test/engines.ts';
import { method, type Rig, rigOf, type Text } from '../test/grpc-rig.ts';
import { parsePolicyBundle } from './bundle/policy-bundle.ts';
import { requireCall } from './call-context.ts';
import type { DecisionRecord } from './decision-record.ts';
import { AuthzError } from './errors.ts';
import { createHttpGuard } from './http-guard.ts';
import { OpenCalls } from './open-calls.ts';
import type { PolicyEvent } from './policy-engine.ts';
import { createPolicyModule } from './policy-module.ts';
import { errorInfoOf } from './to-grpc-status.ts';

const empty = createPolicyModule(await parsePolicyBundle(await bundleWith({ data: '{"grants":{}}' })));

/** The same grants to the caller, but with something to mask in each answer. */
const masking = await maskingPolicy();

async function maskingPolicy() {
  const operations = Object.keys(GRANTS[SELF]?.[CALLER] ?? {});
  const masked = Object.fromEntries(operations.map((operation) => [operation, { mask: ['owner'] }]));
  const data = JSON.stringify({ grants: { [SELF]: { [CALLER]: masked } } });
  return createPolicyModule(await parsePolicyBundle(await bundleWith({ data })));
}

/** An engine whose policy a test changes. */
function changing() {
  const listeners = new Set<(event: PolicyEvent) => void>();
  let decider = engineOver(policy);
  return {
    listeners,
    engine: {
      decide: (...question: Parameters<typeof decider.decide>) => decider.decide(...question),
      subscribe(listener: (event: PolicyEvent) => void) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    change(to: typeof decider, event: PolicyEvent = { type: 'loaded', revision: 'x' }) {
      decider = to;
      for (const listener of listeners) listener(event);
    },
  };
}
const closed = {
  decide: () => {
    throw new AuthzError('POLICY_UNAVAILABLE', 'policy: none is loaded');
  },
};

/** An open stream that has had its first answer. */
async function open({ client }: Rig, metadata = new Metadata()): Promise<ClientDuplexStream<Text, Text>> {
  const { path, requestSerialize, responseDeserialize } = method('Bidi', []);
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  stream.write({ text: 'first' });
  await once(stream, 'data');
  return stream;
}

const failureOf = async (stream: ClientDuplexStream<Text, Text>): Promise<ServiceError> => {
  const [error] = await once(stream, 'error');
  return error;
};

async function streamIn(t: TestContext, options: Parameters<typeof rigOf>[1] = {}) {
  const world = changing();
  const rig = await rigOf(t, { engine: world.engine, ...options });
  return { ...world, rig, stream: await open(rig) };
}

test('open stream: refused by another policy it ends, with a record of its own, and the handler sees it', async (t) => {
  const { rig, stream, change, listeners } = await streamIn(t);
  assert.equal(rig.records.length, 1);
  const failed = failureOf(stream);
  change(engineOver(empty));
  const error = await failed;
  assert.equal(error.code, status.PERMISSION_DENIED);
  assert.equal(rig.records.length, 2);
  assert.equal(errorInfoOf(error)?.metadata['decision_id'], rig.records[1]?.decision_id);
  assert.equal(rig.records[1]?.result?.allow, false);
  assert.ok(rig.trace.includes(`cancelled by ${CALLER}`), rig.trace.join());
  assert.equal(listeners.size, 0, 'nothing is open, so nothing is followed');
});

test('open stream: without a policy it ends as unavailable', async (t) => {
  const { stream, change } = await streamIn(t);
  const failed = failureOf(stream);
  change(closed, { type: 'closed' });
  assert.equal((await failed).code, status.UNAVAILABLE);
});

test('open stream: allowed again it goes on', async (t) => {
  const { rig, stream, change } = await streamIn(t);
  change(engineOver(policy));
  stream.write({ text: 'second' });
  await once(stream, 'data');
  assert.equal(rig.records.length, 2);
  stream.end();
  await once(stream.resume(), 'end');
});

test('open stream: what is to be masked from now on is masked in it, too', async (t) => {
  const { stream, change } = await streamIn(t);
  change(engineOver(masking));
  stream.write({ text: 'second' });
  const [{ text }] = await once(stream, 'data');
  assert.equal(text, `${CALLER} without owner`);
  change(engineOver(policy));
  stream.write({ text: 'third' });
  assert.equal((await once(stream, 'data'))[0].text, CALLER);
  stream.end();
  await once(stream.resume(), 'end');
});

test('open stream: its chain, verified when it began, is asked about again and not verified again', async (t) => {
  const world = changing();
  const id = SpiffeId.parse(CALLER);
  const times = { issuedAt: new Date(0), expiresAt: new Date(0) };
  const link = { iss: id, aud: SpiffeId.parse(SELF), act: method('Bidi', []).path, txn: 't', jti: 'j', ...times };
  let verified = 0;
  const chain = {
    verify: () => {
      verified += 1;
      return { links: [link], txn: 't', origin: id, encoded: { chain: 'x', certs: 'x' } };
    },
  };
  const rig = await rigOf(t, { engine: world.engine, chain });
  const stream = await open(rig, Metadata.fromHttp2Headers({ 'caller-chain': 'x', 'caller-chain-certs': 'x' }));
  world.change(engineOver(policy));
  stream.write({ text: 'again' });
  await once(stream, 'data');
  assert.deepEqual([verified, rig.records.length], [1, 2]);
  assert.deepEqual(rig.records[1]?.input?.chain, rig.records[0]?.input?.chain);
  assert.equal(rig.records[1]?.input?.chain.length, 1);
  stream.end();
  await once(stream.resume(), 'end');
});

test('open stream: a policy that was refused is no reason to ask again', async (t) => {
  const { rig, stream, change } = await streamIn(t);
  change(engineOver(policy), { type: 'refused', error: new AuthzError('BUNDLE_INVALID', 'x') });
  stream.write({ text: 'second' });
  await once(stream, 'data');
  assert.equal(rig.records.length, 1);
  stream.cancel();
  await failureOf(stream);
});

test('open stream: a peer that is verified no longer loses it, once the guard is told', async (t) => {
  let tell = (): void => {};
  let peer: string | undefined = CALLER;
  const onChange = (listener: () => void) => {
    tell = listener;
    return () => {};
  };
  const { stream } = await streamIn(t, { onChange, peerOf: () => (peer === undefined ? undefined : peerOfId(peer)) });
  const failed = failureOf(stream);
  peer = undefined;
  tell();
  assert.equal((await failed).code, status.UNAUTHENTICATED);
});

test('open stream: a decision that cannot be recorded ends it', async (t) => {
  let broken = false;
  const onDecision = (): void => {
    if (broken) throw new Error('the log is full');
  };
  const { stream, change } = await streamIn(t, { onDecision });
  const failed = failureOf(stream);
  broken = true;
  change(engineOver(policy));
  assert.equal((await failed).code, status.UNAVAILABLE);
});

test('open calls: a thousand have one subscription, are asked once each, and leave turns to others', async () => {
  const world = changing();
  const calls = new OpenCalls({ engine: world.engine });
  let [asked, turns] = [0, 0];
  const done = Promise.withResolvers<void>();
  const closes = Array.from({ length: 1000 }, () =>
    calls.add(() => {
      asked += 1;
      if (asked === 1000) done.resolve();
    }),
  );
  assert.equal(world.listeners.size, 1);
  world.change(engineOver(policy));
  world.change(engineOver(policy));
  const turn = (): void => {
    turns += 1;
    if (asked < 1000) setImmediate(turn);
  };
  setImmediate(turn);
  await done.promise;
  assert.equal(asked, 1000);
  assert.ok(turns >= 15, `others had ${turns} turns`);
  for (const close of closes) close();
  assert.equal(world.listeners.size, 0);
});

async function respond(t: TestContext, follows: boolean) {
  const world = changing();
  const records: DecisionRecord[] = [];
  const guard = createHttpGuard({
    engine: world.engine,
    self: () => SpiffeId.parse(SELF),
    peerOf: () => peerOfId(CALLER),
    onDecision: (record) => void records.push(record),
  });
  const aborted = Promise.withResolvers<unknown>();
  const server = createServer((request, response) =>
    guard('GET /things')(request, response, () => {
      const call = requireCall();
      if (follows) call.revoked.addEventListener('abort', () => aborted.resolve(call.revoked.reason));
      response.write('event\n');
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const request = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/things`, { agent: false });
  const [response] = await once(request, 'response');
  await once(response, 'data');
  return { ...world, records, response, aborted: aborted.promise };
}

test('open response: its handler is told, and what it does not end is cut', async (t) => {
  const { change, response, aborted, records, listeners } = await respond(t, true);
  const cut = once(response.resume(), 'error');
  change(engineOver(empty));
  assert.equal(((await aborted) as { code: string }).code, 'POLICY_DENIED');
  await cut;
  assert.equal(records.length, 2);
  assert.equal(listeners.size, 0);
});

test('open response: one that nobody follows is not decided again', async (t) => {
  const { listeners } = await respond(t, false);
  assert.equal(listeners.size, 0);
});
