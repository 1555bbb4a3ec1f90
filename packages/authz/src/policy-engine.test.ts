/** The engine over a file: what it does without a policy, with a bad one, and when the file changes. */
import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { writeAtomically } from '@countersign/testkit';
import { bundleWith, CALLER, GRANTS, httpInput, MASKED_CALLER, SELF, STRANGER } from '../test/bundles.ts';
import { AuthzError, type AuthzErrorCode } from './errors.ts';
import type { PolicyInput } from './policy-document.ts';
import { createPolicyEngine, type PolicyEngine, type PolicyEvent } from './policy-engine.ts';

const good = await bundleWith();

async function engineIn(t: TestContext, content: Uint8Array | undefined, watchIntervalMs = 0) {
  const folder = await mkdtemp(join(tmpdir(), 'policy-engine-'));
  const bundlePath = join(folder, 'bundle.tar.gz');
  if (content !== undefined) await writeFile(bundlePath, content);
  const engine = await createPolicyEngine({ bundlePath, watchIntervalMs });
  t.after(async () => {
    engine.close();
    await rm(folder, { recursive: true });
  });
  /** As operators and Kubernetes do it: whole, by renaming. */
  const swap = async (bytes: Uint8Array): Promise<void> => {
    await writeFile(`${bundlePath}.new`, bytes);
    await rename(`${bundlePath}.new`, bundlePath);
  };
  return { engine, bundlePath, swap };
}

function assertUndecided(engine: PolicyEngine, code: AuthzErrorCode, input: PolicyInput = httpInput()): void {
  assert.throws(
    () => engine.decide(input),
    (error: unknown) => error instanceof AuthzError && error.code === code,
  );
}

const revoked = await bundleWith({
  data: JSON.stringify({ grants: { [SELF]: { [MASKED_CALLER]: { 'GET /': {} } } } }),
});

test('policy engine: without a bundle nothing is decided, and the status says why', async (t) => {
  const { engine, bundlePath } = await engineIn(t, undefined);
  assertUndecided(engine, 'POLICY_UNAVAILABLE');
  assert.equal(engine.peersOf(SELF).size, 0);
  const status = engine.status();
  assert.equal(status.state, 'unavailable');
  assert.match(status.error?.message ?? '', /ENOENT/);
  assert.ok(status.error?.message.includes(bundlePath));
});

test('policy engine: with a bundle that is refused nothing is decided, until a good one is there', async (t) => {
  const { engine, swap } = await engineIn(t, good.subarray(0, 500));
  assertUndecided(engine, 'POLICY_UNAVAILABLE');
  await swap(good);
  assert.equal((await engine.reload()).state, 'loaded');
  assert.equal(engine.decide(httpInput()).allow, true);
});

for (const [name, bytes] of [
  ['cut', good.subarray(0, 500)],
  ['empty', Buffer.alloc(0)],
  ['without a module', await bundleWith({ wasm: null })],
] as const) {
  test(`policy engine: a bundle that is ${name} does not replace the last good one`, async (t) => {
    const { engine, swap } = await engineIn(t, good);
    const events: PolicyEvent[] = [];
    engine.subscribe((event) => events.push(event));
    const before = engine.status();
    await swap(bytes);
    const after = await engine.reload();
    assert.equal(after.state, 'loaded');
    assert.equal(after.error?.code, 'BUNDLE_INVALID');
    assert.deepEqual(
      events.map(({ type }) => type),
      ['refused'],
    );
    assert.equal(engine.decide(httpInput()).revision, before.state === 'loaded' ? before.revision : '');
    await swap(good);
    assert.equal((await engine.reload()).error, undefined);
  });
}

test('policy engine: a new bundle takes grants away and changes the handshake list', async (t) => {
  const { engine, swap } = await engineIn(t, good);
  assert.equal(engine.decide(httpInput()).allow, true);
  assert.deepEqual([...engine.peersOf(SELF)].sort(), [CALLER, MASKED_CALLER]);
  await swap(revoked);
  await engine.reload();
  assert.equal(engine.decide(httpInput()).reason, 'peer-has-no-grant');
  assert.deepEqual([...engine.peersOf(SELF)], [MASKED_CALLER]);
});

test('policy engine: a changed file is taken into use by itself', { timeout: 20_000 }, async (t) => {
  const { engine, swap } = await engineIn(t, good, 20);
  const loaded = new Promise<PolicyEvent>((resolve) => engine.subscribe(resolve));
  await swap(revoked);
  assert.equal((await loaded).type, 'loaded');
  assert.equal(engine.decide(httpInput()).allow, false);
});

test('policy engine: a mounted ConfigMap that swaps its folder is taken into use, each time', {
  timeout: 20_000,
}, async (t) => {
  const volume = await mkdtemp(join(tmpdir(), 'policy-volume-'));
  t.after(() => rm(volume, { recursive: true }));
  const mount = (bytes: Uint8Array) => writeAtomically(volume, { 'bundle.tar.gz': bytes });
  await mount(good);
  const engine = await createPolicyEngine({ bundlePath: join(volume, 'bundle.tar.gz'), watchIntervalMs: 20 });
  t.after(() => engine.close());
  for (const [bytes, allow] of [
    [revoked, false],
    [good, true],
    [revoked, false],
  ] as const) {
    const loaded = new Promise<PolicyEvent>((resolve) => engine.subscribe(resolve));
    await mount(bytes);
    assert.equal((await loaded).type, 'loaded');
    assert.equal(engine.decide(httpInput()).allow, allow);
  }
});

test('policy engine: after close nothing is decided, and a load under way changes nothing', async (t) => {
  const { engine } = await engineIn(t, good);
  const loading = engine.reload();
  // Some turns later, and before any I/O is done, the load is waiting for the file.
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  engine.close();
  assert.equal((await loading).state, 'unavailable');
  assertUndecided(engine, 'POLICY_UNAVAILABLE');
  assert.equal((await engine.reload()).state, 'unavailable');
});

const { peer: _peer, ...withoutPeer } = httpInput();
const { self: _self, ...withoutSelf } = httpInput();
const MALFORMED: [name: string, input: object][] = [
  ['no peer', withoutPeer],
  ['no self', withoutSelf],
  ['a peer that is text', httpInput({ peer: CALLER as never })],
  ['an unknown transport', httpInput({ transport: 'amqp' as never })],
  ['an empty operation', httpInput({ operation: '' })],
  ['a chain that is missing', httpInput({ chain: undefined as never })],
  ['a time that is none', httpInput({ time: 'now' })],
  ['a field that no schema knows', { ...httpInput(), admin: true }],
  ['a self that is no SPIFFE ID', httpInput({ self: { spiffe_id: 'callee' } })],
];
for (const [name, input] of MALFORMED) {
  test(`policy engine: not asked: ${name}`, async (t) => {
    const { engine } = await engineIn(t, good);
    assertUndecided(engine, 'INPUT_INVALID', input as PolicyInput);
  });
}

test('policy engine: refusals are told apart', async (t) => {
  const { engine } = await engineIn(t, good);
  const reasonOf = (input: PolicyInput) => {
    const { allow, reason, rule, obligations } = engine.decide(input);
    assert.equal(allow, false);
    assert.deepEqual(obligations, []);
    return `${reason} by ${rule}`;
  };
  const other = httpInput({ self: { spiffe_id: 'spiffe://example.org/ns/test/sa/other' } });
  assert.equal(reasonOf(other), 'service-has-no-grants by service-has-grants');
  assert.equal(reasonOf(httpInput({}, STRANGER)), 'peer-has-no-grant by peer-has-grant');
  assert.equal(reasonOf(httpInput({}, SELF)), 'peer-has-no-grant by peer-has-grant');
  const remove = httpInput({ operation: 'DELETE /things/{id}', http: { method: 'DELETE', path: ['things', '42'] } });
  assert.equal(reasonOf(remove), 'operation-not-granted by operation-is-granted');
  const asGet = httpInput({ http: { method: 'DELETE', path: ['things', '42'] } });
  assert.equal(reasonOf(asGet), 'input-inconsistent by input-is-consistent');
});

test('policy engine: a decision is frozen all the way down, and carries its ID and revision', async (t) => {
  const { engine } = await engineIn(t, good);
  const decision = engine.decide(httpInput({}, MASKED_CALLER), 'd3a1c1c2-0000-4000-8000-000000000000');
  assert.equal(decision.decisionId, 'd3a1c1c2-0000-4000-8000-000000000000');
  assert.match(decision.revision, /^[0-9a-f]{64}$/);
  assert.deepEqual(decision.obligations, [{ kind: 'mask', fields: ['owner'] }]);
  const [obligation] = decision.obligations;
  for (const part of [decision, decision.obligations, obligation, obligation?.fields]) assert.ok(Object.isFrozen(part));
  assert.notEqual(engine.decide(httpInput()).decisionId, engine.decide(httpInput()).decisionId);
});

test('policy engine: a subscriber that throws does not stop the others, nor the load', async (t) => {
  const { engine } = await engineIn(t, good);
  const warning = new Promise<Error>((resolve) => process.once('warning', resolve));
  const told: string[] = [];
  engine.subscribe(() => {
    throw new Error('a subscriber failed');
  });
  const stop = engine.subscribe(({ type }) => told.push(type));
  assert.equal((await engine.reload()).state, 'loaded');
  assert.equal((await warning).message, 'a subscriber failed');
  stop();
  await engine.reload();
  assert.deepEqual(told, ['loaded']);
});

test('policy engine: a peer whose operations were all taken away is no peer', async (t) => {
  const { engine } = await engineIn(
    t,
    await bundleWith({ data: JSON.stringify({ grants: { [SELF]: { [CALLER]: {} } } }) }),
  );
  assert.equal(engine.peersOf(SELF).size, 0);
});

test('policy engine: takes a URL, refuses a senseless interval', async (t) => {
  const { bundlePath } = await engineIn(t, good);
  const engine = await createPolicyEngine({ bundlePath: pathToFileURL(bundlePath), watchIntervalMs: 0 });
  t.after(() => engine.close());
  assert.equal(engine.peersOf(SELF).size, Object.keys(GRANTS[SELF] ?? {}).length);
  await assert.rejects(createPolicyEngine({ bundlePath, watchIntervalMs: -1 }), TypeError);
});
