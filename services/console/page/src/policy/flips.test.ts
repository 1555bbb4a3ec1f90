import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangedDecision, PolicyVerdict } from '../../../src/wire/actions.ts';
import { flipsOf, sayVerdict, takesAway } from './flips.ts';

const yes: PolicyVerdict = { allow: true, reason: 'granted', hides: [] };
const masked: PolicyVerdict = { ...yes, hides: ['customer'] };
const no: PolicyVerdict = { allow: false, reason: 'operation-not-granted', hides: [] };
const changed = (
  decisionId: string,
  operation: string,
  before: PolicyVerdict,
  after: PolicyVerdict,
): ChangedDecision => ({
  decisionId,
  self: 'spiffe://d/b',
  peer: 'spiffe://d/c',
  operation,
  before,
  after,
});

test('the same change is counted, and one of its decisions kept', () => {
  const flips = flipsOf([
    changed('1', 'GET /x', yes, no),
    changed('2', 'GET /y', yes, no),
    changed('3', 'GET /y', yes, no),
  ]);
  assert.deepEqual(
    flips.map(({ operation, count, decisionId }) => [operation, count, decisionId]),
    [
      ['GET /y', 2, '2'],
      ['GET /x', 1, '1'],
    ],
  );
});

test('another verdict is another change', () => {
  assert.equal(flipsOf([changed('1', 'GET /x', yes, no), changed('2', 'GET /x', masked, no)]).length, 2);
});

test('at the same count, what is taken away comes first', () => {
  const flips = flipsOf([changed('1', 'GET /x', no, yes), changed('2', 'GET /y', yes, no)]);
  assert.deepEqual(
    flips.map(({ operation }) => operation),
    ['GET /y', 'GET /x'],
  );
});

test('to hide more is no refusal', () => {
  assert.equal(takesAway({ before: yes, after: no }), true);
  assert.equal(takesAway({ before: yes, after: masked }), false);
  assert.equal(takesAway({ before: no, after: no }), false);
});

test('verdicts in words', () => {
  assert.deepEqual([yes, masked, no].map(sayVerdict), [
    'allowed',
    'allowed, hides customer',
    'denied: operation-not-granted',
  ]);
});
