import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainRefusal, explainRefusedConnection, findRefusal, findStage } from './explain-refusal.ts';
import { REFUSALS } from './registry.ts';

describe('an explanation', () => {
  it('has what is known and, from the registry, rule and remedy', () => {
    const facts = { stage: 'chain', code: 'CHAIN_REPLAYED', expected: 'a', got: 'b', decisionId: 'd' } as const;
    const { rule, remedy } = REFUSALS.chain.CHAIN_REPLAYED;
    assert.deepEqual(explainRefusal(facts), {
      stage: 'chain',
      code: 'CHAIN_REPLAYED',
      rule,
      expected: 'a',
      got: 'b',
      decision_id: 'd',
      remedy,
    });
  });

  it("takes the refusing code's own rule, and the remedy of the reason", () => {
    const reason = 'peer-has-no-grant';
    const found = explainRefusal({ stage: 'policy', code: 'POLICY_DENIED', rule: 'peer-has-grant', reason });
    assert.equal(found.rule, 'peer-has-grant');
    assert.equal(found.remedy, REFUSALS.policy.POLICY_DENIED.reasons[reason].remedy);
    assert.notEqual(found.remedy, REFUSALS.policy.POLICY_DENIED.remedy);
  });

  const odd: [name: string, code: string, reason: string | undefined][] = [
    ['a code that nothing lists', 'NEVER_HEARD_OF', undefined],
    ['a code of another stage', 'EXPIRED', undefined],
    ['a name that every object has', 'constructor', 'toString'],
  ];
  for (const [name, code, reason] of odd) {
    it(`${name} is explained in general terms, never wrongly`, () => {
      assert.match(explainRefusal({ stage: 'policy', code, reason }).remedy, /not in docs\/reference\/refusals\.md/);
      assert.equal(findRefusal('policy', code), undefined);
    });
  }

  it('of an unknown reason is that of the code', () => {
    const { remedy } = explainRefusal({ stage: 'policy', code: 'POLICY_DENIED', reason: 'toString' });
    assert.equal(remedy, REFUSALS.policy.POLICY_DENIED.remedy);
  });
});

describe('the stage of an answered code', () => {
  const cases: [code: string, decided: boolean, stage: string | undefined][] = [
    ['HOST_NOT_SERVED', false, 'edge'],
    ['ORDER_NOT_FOUND', false, 'handler'],
    ['POLICY_DENIED', true, 'policy'],
    ['CHAIN_BROKEN', true, 'chain'],
    ['PEER_NOT_VERIFIED', true, 'peer'],
    ['PEER_NOT_AUTHORIZED', false, 'handshake'],
    ['PATH_MALFORMED', true, 'policy'],
    ['PATH_MALFORMED', false, 'edge'],
    ['STREAM_RENEWAL', false, undefined],
    ['ORDER_NOT_FOUND', true, undefined],
  ];
  for (const [code, decided, stage] of cases) {
    it(`${code}${decided ? ' with a decision' : ''}: ${stage}`, () => assert.equal(findStage(code, decided), stage));
  }
});

it('a refused connection of PostgreSQL has the remedy of its rule', () => {
  const rule = 'postgres: pg_ident gives a role to named identities alone';
  const { stage, remedy } = explainRefusedConnection({ code: 'PEER_NOT_AUTHORIZED', rule });
  assert.equal(stage, 'handshake');
  assert.match(remedy, /pg_ident/);
  assert.doesNotMatch(explainRefusedConnection({ code: 'PEER_NOT_AUTHORIZED' }).remedy, /pg_ident/);
});
