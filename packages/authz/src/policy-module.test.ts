/** Policies that answer wrongly, or not at all: none of them lets a call through, and a trap does not outlive its call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleWith, httpInput } from '../test/bundles.ts';
import { assembleFakePolicy, type FakePolicy } from '../test/fake-wasm.ts';
import { parsePolicyBundle } from './bundle/policy-bundle.ts';
import { AuthzError, type AuthzErrorCode } from './errors.ts';
import type { PolicyInput } from './policy-document.ts';
import { createPolicyModule, type PolicyModule } from './policy-module.ts';

const answer = (result: unknown): string => JSON.stringify([{ result }]);
const refusal = { allow: false, reason: 'no', rule: 'none', obligations: [] };
const allowance = { ...refusal, allow: true };
/** Large enough that a fake policy takes it for no smoke query. */
const LARGE = httpInput({ resource: { kind: 'thing', id: 'x'.repeat(2000), attributes: {} } });

async function moduleOf(policy: FakePolicy): Promise<PolicyModule> {
  return createPolicyModule(await parsePolicyBundle(await bundleWith({ wasm: assembleFakePolicy(policy) })));
}

function isError(code: AuthzErrorCode, message?: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof AuthzError, String(error));
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

const NOT_TAKEN: [name: string, policy: FakePolicy, message: RegExp][] = [
  ['that allows whatever it is asked', { short: answer(allowance) }, /must refuse no input/],
  ['that traps', { short: 'trap' }, /must decide about no input/],
  ['that answers nothing', { short: '[]' }, /must decide/],
  ['that answers no decision', { short: answer({ allow: false }) }, /must decide/],
  ['that answers no JSON', { short: 'allow' }, /must decide/],
  ['of an older ABI', { short: answer(refusal), abiMinorVersion: 1 }, /ABI 1\.2 or later is needed, got 1\.1/],
];
for (const [name, policy, message] of NOT_TAKEN) {
  test(`policy module: not taken into use: one ${name}`, async () => {
    await assert.rejects(moduleOf(policy), isError('BUNDLE_INVALID', message));
  });
}

test('policy module: not taken into use: one that imports what OPA has not', async () => {
  // An empty WebAssembly module: valid, and without any of the functions.
  const bundle = await parsePolicyBundle(
    await bundleWith({ wasm: Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) }),
  );
  assert.throws(() => createPolicyModule(bundle), isError('BUNDLE_INVALID', /does not start/));
});

const WRONG: [name: string, long: string, code: AuthzErrorCode][] = [
  ['no result', '[]', 'RESULT_INVALID'],
  ['two results', JSON.stringify([{ result: allowance }, { result: allowance }]), 'RESULT_INVALID'],
  ['a result by another name', JSON.stringify([{ value: allowance }]), 'RESULT_INVALID'],
  ['true', answer(true), 'RESULT_INVALID'],
  ['an object instead of a list', JSON.stringify({ result: allowance }), 'RESULT_INVALID'],
  ['allow as text', answer({ ...allowance, allow: 'true' }), 'RESULT_INVALID'],
  ['allow as a number', answer({ ...allowance, allow: 1 }), 'RESULT_INVALID'],
  ['no allow', answer({ reason: 'a', rule: 'b', obligations: [] }), 'RESULT_INVALID'],
  ['no reason', answer({ allow: true, rule: 'b', obligations: [] }), 'RESULT_INVALID'],
  ['no obligations', answer({ allow: true, reason: 'a', rule: 'b' }), 'RESULT_INVALID'],
  [
    'an obligation of an unknown kind',
    answer({ ...allowance, obligations: [{ kind: 'delay', fields: ['a'] }] }),
    'RESULT_INVALID',
  ],
  [
    'an obligation without fields',
    answer({ ...allowance, obligations: [{ kind: 'mask', fields: [] }] }),
    'RESULT_INVALID',
  ],
  ['a field that no schema knows', answer({ ...allowance, except: 'you' }), 'RESULT_INVALID'],
  ['that no input came', answer({ ...refusal, reason: 'input-missing' }), 'POLICY_FAILED'],
  ['no JSON', '[{"result":{"allow":true', 'POLICY_FAILED'],
];
for (const [name, long, code] of WRONG) {
  test(`policy module: no decision: ${name}`, async () => {
    const policy = await moduleOf({ short: answer(refusal), long });
    assert.throws(() => policy.evaluate(LARGE), isError(code));
  });
}

test('policy module: a trap is an error with a cause, and the next call is decided by a new instance', async () => {
  const policy = await moduleOf({ short: answer(refusal), long: 'trap' });
  assert.throws(() => policy.evaluate(LARGE), isError('POLICY_FAILED', /unreachable/));
  assert.equal(policy.evaluate(httpInput()).allow, false);
  assert.throws(() => policy.evaluate(LARGE), isError('POLICY_FAILED'));
});

const committed = createPolicyModule(await parsePolicyBundle(await bundleWith()));
const nested = (depth: number): PolicyInput => {
  let value: unknown = 0;
  for (let level = 0; level < depth; level += 1) value = [value];
  return httpInput({ resource: { kind: 'thing', id: '1', attributes: { value } } });
};
const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;
const UNASKABLE: [name: string, input: PolicyInput, message: RegExp][] = [
  [
    'larger than 64 KiB',
    httpInput({ http: { method: 'GET', path: ['things', 'x'.repeat(70_000)] } }),
    /at most 65536 bytes/,
  ],
  ['cyclic', httpInput({ resource: { kind: 'thing', id: '1', attributes: cyclic } }), /must be JSON/],
  ['with a bigint', httpInput({ resource: { kind: 'thing', id: '1', attributes: { n: 1n } } }), /must be JSON/],
];
for (const [name, input, message] of UNASKABLE) {
  test(`policy module: not asked: an input ${name}`, () => {
    assert.throws(() => committed.evaluate(input), isError('INPUT_INVALID', message));
  });
}

test('policy module: the real module, driven deep by an input, fails that call alone', () => {
  for (const depth of [100, 1_000, 10_000, 30_000]) {
    try {
      assert.equal(committed.evaluate(nested(depth)).reason, 'granted');
    } catch (error) {
      assert.ok(error instanceof AuthzError && ['POLICY_FAILED', 'INPUT_INVALID'].includes(error.code), String(error));
    }
    assert.equal(committed.evaluate(httpInput()).allow, true);
  }
});

test('policy module: odd text reaches the rules as it is', () => {
  for (const id of ['', '\u0000', 'é', '😀', '"\\', '\u2028'])
    assert.equal(committed.evaluate(httpInput({ http: { method: 'GET', path: ['things', id] } })).allow, true);
});

test('policy module: half a surrogate pair, which is no text, fails that call alone', () => {
  const input = httpInput({ http: { method: 'GET', path: ['things', '\ud800'] } });
  assert.throws(() => committed.evaluate(input), isError('POLICY_FAILED'));
  assert.equal(committed.evaluate(httpInput()).allow, true);
});

test('policy module: evaluations leave nothing behind: there is no memory for the rests of this many', () => {
  for (let index = 0; index < 20_000; index += 1)
    assert.equal(committed.evaluate(httpInput({ http: { method: 'GET', path: ['things', `${index}`] } })).allow, true);
});

const REFUSES = '[{"result":{"allow":false,"reason":"no","rule":"none","obligations":[]}}]';
test('policy module: not taken into use: one that needs functions that the evaluator does not have', async () => {
  const wasm = assembleFakePolicy({ short: REFUSES, builtins: '{"sprintf":1,"http.send":2,"time.now_ns":3}' });
  const bundle = await parsePolicyBundle(await bundleWith({ wasm }));
  assert.throws(
    () => createPolicyModule(bundle),
    (error: unknown) =>
      error instanceof AuthzError &&
      error.code === 'BUILTIN_MISSING' &&
      error.message.includes('"http.send", "time.now_ns"') &&
      !error.message.includes('sprintf'),
  );
});

test('policy module: functions that the evaluator has may be needed', async () => {
  const wasm = assembleFakePolicy({ short: REFUSES, builtins: '{"sprintf":1}' });
  createPolicyModule(await parsePolicyBundle(await bundleWith({ wasm })));
});
