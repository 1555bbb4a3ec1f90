/** The whole explanation goes to whoever records the decision; the answer has it in development alone. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext, test } from 'node:test';
import { findRefusal, type RefusalExplanation } from '@countersign/refusals';
import { CALLER, SELF, STRANGER } from '../test/bundles.ts';
import { engineThrowing } from '../test/engines.ts';
import { rigOf } from '../test/http-rig.ts';
import { AuthzError } from './errors.ts';
import { explainOutcome } from './explain-refusal.ts';
import type { HttpGuardOptions } from './http-guard.ts';

const SAFE = ['code', 'decision_id', 'detail', 'status', 'title', 'type'];

interface Asked {
  readonly name: string;
  readonly peer: string | undefined;
  readonly path: string;
  readonly options?: Partial<HttpGuardOptions>;
}

interface Case extends Asked {
  readonly status: number;
  readonly explanation: Pick<RefusalExplanation, 'stage' | 'code' | 'expected' | 'got'>;
}

const ALLOWED: Asked = { name: 'a grant', peer: CALLER, path: '/things' };

const CASES: readonly Case[] = [
  {
    name: 'no verified peer',
    peer: undefined,
    path: '/things',
    status: 401,
    explanation: {
      stage: 'peer',
      code: 'PEER_NOT_VERIFIED',
      expected: 'a verified SPIFFE ID',
      got: 'none, or one that is no longer valid',
    },
  },
  {
    name: 'a path that could be read in two ways',
    peer: CALLER,
    path: '/things/%2e%2e',
    status: 400,
    explanation: {
      stage: 'policy',
      code: 'PATH_MALFORMED',
      expected: 'a path that can be read in one way alone',
      got: 'another',
    },
  },
  {
    name: 'no grant',
    peer: STRANGER,
    path: '/things',
    status: 403,
    explanation: {
      stage: 'policy',
      code: 'POLICY_DENIED',
      expected: `a grant of ${SELF} for GET /things`,
      got: `${STRANGER}: peer-has-no-grant`,
    },
  },
  {
    name: 'no policy',
    peer: CALLER,
    path: '/things',
    options: { engine: engineThrowing(new AuthzError('POLICY_UNAVAILABLE', 'policy: none is loaded')) },
    status: 503,
    explanation: {
      stage: 'policy',
      code: 'POLICY_UNAVAILABLE',
      expected: 'a decision',
      got: 'POLICY_UNAVAILABLE: policy: none is loaded',
    },
  },
];

async function ask(t: TestContext, { peer, path, options = {} }: Asked, development: boolean) {
  const explanations: (RefusalExplanation | undefined)[] = [];
  const onDecision: HttpGuardOptions['onDecision'] = (_record, refusal) => void explanations.push(refusal);
  // `undefined` would be the rig's default caller.
  const peerOf = peer === undefined ? { peerOf: () => undefined } : {};
  const { send } = await rigOf(t, { ...options, ...peerOf, onDecision, development }, peer);
  const { status, body } = await send('GET', path);
  const answer: Record<string, unknown> = JSON.parse(body);
  return { status, answer, explanation: explanations[0] };
}

for (const wanted of CASES) {
  test(`${wanted.name}: explained to the log, told safely`, async (t) => {
    const { status, answer, explanation } = await ask(t, wanted, false);
    assert.equal(status, wanted.status);
    assert.deepEqual(Object.keys(answer).sort(), SAFE);
    const { rule = '', remedy = '', decision_id, ...facts } = explanation ?? {};
    assert.deepEqual(facts, wanted.explanation);
    assert.equal(decision_id, answer['decision_id']);
    assert.ok(rule.length > 5 && remedy.length > 10);
    assert.equal(findRefusal(wanted.explanation.stage, wanted.explanation.code)?.sees.http, status, 'as listed');
  });

  test(`${wanted.name}: explained in the answer, in development`, async (t) => {
    const { answer, explanation } = await ask(t, wanted, true);
    for (const name of ['rule', 'expected', 'got', 'remedy'] as const) assert.equal(answer[name], explanation?.[name]);
  });
}

test('an allowed call has no explanation', async (t) => {
  const { status, explanation } = await ask(t, ALLOWED, false);
  assert.equal(status, 200);
  assert.equal(explanation, undefined);
});

describe('a chain that does not hold', () => {
  it("has the error's own expected and got", () => {
    const error = { code: 'CHAIN_AUDIENCE_MISMATCH', message: 'chain: ...', expected: 'a', got: 'b' };
    const { stage, code, expected, got, decision_id } = explainOutcome({ kind: 'chain', error }, 'd-1') ?? {};
    assert.deepEqual(
      { stage, code, expected, got, decision_id },
      {
        stage: 'chain',
        code: 'CHAIN_AUDIENCE_MISMATCH',
        expected: 'a',
        got: 'b',
        decision_id: 'd-1',
      },
    );
  });

  it('without them has its message', () => {
    const found = explainOutcome({ kind: 'chain', error: { code: 'CHAIN_REPLAYED', message: 'chain: seen' } }, 'd');
    assert.equal(found?.expected, 'chain: seen');
  });
});
