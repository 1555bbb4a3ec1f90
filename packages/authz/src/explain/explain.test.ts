import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { bundleWith, CALLER, committedBundle, httpInput, SELF, STRANGER } from '../../test/bundles.ts';
import { sharedCases } from '../../test/shared-inputs.ts';
import { parsePolicyBundle } from '../bundle/policy-bundle.ts';
import { AuthzError } from '../errors.ts';
import { createPolicyModule } from '../policy-module.ts';
import { applyChange } from './apply-change.ts';
import { type Change, createExplainer, explainerOf } from './explain.ts';
import { ruleTextOf } from './rule-list.ts';

const bundle = await parsePolicyBundle(await bundleWith());
const BEYOND = new Set(['input-inconsistent', 'input-missing', 'operation-unmatched']);

describe('the shared inputs', () => {
  for (const { name, input, expected, bundle: own, fits } of sharedCases.filter(({ fits }) => fits)) {
    test(`explained as decided: ${name}`, () => {
      assert.ok(fits);
      const { result, change, matched } = explainerOf(own).explain(input);
      assert.deepEqual(result, expected);
      assert.ok(matched.length > 0);
      if (expected.allow) assert.equal(change, undefined);
      else if (BEYOND.has(expected.reason)) assert.equal(change?.possible, false);
      else
        assertHolds(
          change,
          (operations) => createPolicyModule({ ...own, data: applyChange(own.data, operations) }),
          input,
        );
    });
  }

  for (const { name, input, bundle: own } of sharedCases.filter((one) => one.name.startsWith('no-input.json'))) {
    test(`no service can ask it, and it is not explained: ${name}`, () => {
      assert.throws(() => explainerOf(own).explain(input), { name: 'AuthzError', code: 'INPUT_INVALID' });
    });
  }

  for (const { name, input, expected, bundle: own } of sharedCases.filter((one) => one.name.startsWith('void-'))) {
    test(`a grant that is not understood, in a bundle that no service loads: ${name}`, () => {
      const { result, change } = explainerOf(own).explain(input);
      assert.deepEqual(result, expected);
      assert.ok(change?.possible === true && change.cautions.length > 0);
      assertHolds(
        change,
        (operations) => createPolicyModule({ ...own, data: applyChange(own.data, operations) }),
        input,
      );
    });
  }
});

/** That the change is what it says: the engine with it allows, and the engine without its last step does not. */
function assertHolds(
  change: Change | undefined,
  changed: (operations: Extract<Change, { possible: true }>['operations']) => ReturnType<typeof createPolicyModule>,
  input: Parameters<ReturnType<typeof createPolicyModule>['evaluate']>[0],
): void {
  assert.ok(change?.possible === true, JSON.stringify(change));
  assert.deepEqual(changed(change.operations).evaluate(input), change.result);
  assert.equal(change.result.allow, true);
  assert.equal(changed(change.operations.slice(0, -1)).evaluate(input).allow, false);
}

describe('changes', () => {
  const { explain } = explainerOf(bundle);
  const gets = (peer: string, parts = {}) => explain(httpInput(parts, peer)).change;

  test('for an operation that the peer lacks: that one', () => {
    const http = { method: 'DELETE', path: ['things', '42'] };
    const change = gets(CALLER, { operation: 'DELETE /things/{id}', http });
    assert.ok(change?.possible);
    const at = '/grants/spiffe:~1~1example.org~1ns~1test~1sa~1callee/spiffe:~1~1example.org~1ns~1test~1sa~1caller';
    assert.deepEqual(change.operations, [{ op: 'add', path: `${at}/DELETE ~1things~1{id}`, value: {} }]);
  });

  test('for a peer without a grant: it, with that operation', () => {
    const change = gets(STRANGER);
    assert.ok(change?.possible);
    assert.deepEqual(change.operations[0]?.value, { 'GET /things/{id}': {} });
  });

  test('for a peer that acts for another: a grant for that origin alone', () => {
    const issued = { issued_at: '2026-01-02T03:04:05.000Z' };
    const chain = [
      { spiffe_id: CALLER, act: 'POST /start', ...issued },
      { spiffe_id: STRANGER, act: 'GET /things/42', ...issued },
    ];
    const change = gets(STRANGER, { chain });
    assert.ok(change?.possible);
    assert.deepEqual(change.operations[0]?.value, { 'GET /things/{id}': { origins: { [CALLER]: {} } } });
  });

  test('none that the schema of grants refuses', () => {
    const { change } = explain(httpInput({ operation: 'GET /th?ngs/{id}' }));
    assert.ok(change?.possible === false);
    assert.match(change.why, /^the grant would be refused: policy grants/);
  });

  test('data of the bundle is not changed', () => {
    const before = JSON.stringify(bundle.data);
    assert.ok(gets(STRANGER)?.possible);
    assert.equal(JSON.stringify(bundle.data), before);
  });
});

describe('data that matched', () => {
  const { explain } = explainerOf(bundle);

  test('the grant', () => {
    const [grant] = explain(httpInput()).matched;
    assert.deepEqual(grant?.value, {});
    assert.ok(grant?.path.endsWith('/GET ~1things~1{id}'));
  });

  test('the operations that the peer has, when it lacks this one', () => {
    const [level] = explain(
      httpInput({ operation: 'HEAD /things/{id}', http: { method: 'HEAD', path: ['things', '1'] } }),
    ).matched;
    assert.ok(Array.isArray(level?.value) && level.value.includes('GET /things/{id}'));
  });

  test('a name that objects inherit is none', () => {
    const self = { spiffe_id: 'spiffe://constructor' };
    const { result, matched } = explain(httpInput({ self }));
    assert.equal(result.reason, 'service-has-no-grants');
    assert.deepEqual(matched, [{ path: '/grants', value: [SELF] }]);
  });
});

describe('applying a change', () => {
  const refused: [name: string, operation: Parameters<typeof applyChange>[1][number]][] = [
    ['through nothing', { op: 'add', path: '/grants/a/b', value: {} }],
    ['through text', { op: 'add', path: '/text/a', value: {} }],
    ['through an inherited name', { op: 'add', path: '/constructor/a', value: {} }],
    ['through the prototype', { op: 'add', path: '/__proto__/a', value: {} }],
    ['removing what is not there', { op: 'remove', path: '/grants/a' }],
    ['replacing what is not there', { op: 'replace', path: '/toString', value: {} }],
    ['the whole document', { op: 'replace', path: '', value: {} }],
  ];
  for (const [name, operation] of refused) {
    test(`refused: ${name}`, () => {
      assert.throws(() => applyChange({ grants: {}, text: 'x' }, [operation]), TypeError);
    });
  }

  test('__proto__ is a name like any other', () => {
    const changed = applyChange({ grants: {} }, [{ op: 'add', path: '/grants/__proto__', value: { a: 1 } }]);
    assert.deepEqual(Object.keys(changed.grants), ['__proto__']);
    assert.equal('a' in {}, false);
  });

  test('tildes and slashes in names', () => {
    const changed = applyChange({}, [{ op: 'add', path: '/a~01~1b', value: 1 }]);
    assert.deepEqual(changed, { 'a~1/b': 1 });
  });
});

test('every rule that a decision of the committed bundle names is described', async () => {
  const named = new Set(sharedCases.map(({ expected }) => expected.rule).concat('default-deny'));
  assert.ok(named.size >= 10);
  for (const rule of named) assert.doesNotMatch(ruleTextOf(rule).title, /don't have/, rule);
  assert.match(ruleTextOf('constructor').title, /don't have/);
});

test('a bundle that is none is refused', async () => {
  assert.equal((await createExplainer(readFileSync(committedBundle))).revision.length, 64);
  await assert.rejects(
    createExplainer(new Uint8Array([1])),
    (error: unknown) => error instanceof AuthzError && error.code === 'BUNDLE_INVALID',
  );
});
