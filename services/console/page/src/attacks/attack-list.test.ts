import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttackDescription } from '../../../src/wire/actions.ts';
import { ApiProblem } from '../api/problem.ts';
import { groupsOf, type Runs, sayTally, tallyOf, titleOf } from './attack-list.ts';
import { done } from './attack-result.fixture.ts';

const attack = (id: string, group: string, more: Partial<AttackDescription> = {}): AttackDescription => ({
  id,
  attack: id,
  what: 'Tries it.',
  group,
  caller: 'rogue',
  server: 'backend',
  transport: 'https',
  operation: 'GET /hello',
  ...more,
});
const all = { words: '', transport: 'all' } as const;
const ids = (groups: ReturnType<typeof groupsOf>) => groups.map(({ id, attacks }) => [id, attacks.map((a) => a.id)]);

test('groups are in the order of their first attack', () => {
  assert.deepEqual(ids(groupsOf([attack('a', 'tls'), attack('b', 'caller'), attack('c', 'tls')], all, {})), [
    ['tls', ['a', 'c']],
    ['caller', ['b']],
  ]);
});

test('a group that the page does not know is there by its own name', () => {
  assert.equal(groupsOf([attack('a', 'quantum')], all, {})[0]?.title, 'quantum');
});

test('a search needs every word, anywhere, in any case', () => {
  const attacks = [attack('a', 'x', { caller: 'expired' }), attack('b', 'x', { what: 'Expired HEADERS.' })];
  assert.deepEqual(ids(groupsOf(attacks, { ...all, words: 'EXPIRED headers' }, {})), [['x', ['b']]]);
  assert.deepEqual(ids(groupsOf(attacks, { ...all, words: '  expired ' }, {})), [['x', ['a', 'b']]]);
  assert.deepEqual(groupsOf(attacks, { ...all, words: 'nothing' }, {}), []);
});

test('an attack that is nothing but a caller is called by it', () => {
  assert.equal(titleOf({ attack: 'early data', caller: 'customer' }), 'early data');
  assert.equal(titleOf({ attack: 'none', caller: 'rogue' }), 'rogue');
  assert.equal(titleOf({ attack: 'none', caller: 'none' }), 'no certificate');
});

test('a transport leaves its own', () => {
  const attacks = [attack('a', 'x'), attack('b', 'x', { transport: 'grpc' })];
  assert.deepEqual(ids(groupsOf(attacks, { words: '', transport: 'grpc' }, {})), [['x', ['b']]]);
});

test('a search for a verdict leaves those that ended so', () => {
  const attacks = [attack('a', 'x'), attack('b', 'x'), attack('c', 'x')];
  const runs = { a: done('limit'), b: done('refused') };
  assert.deepEqual(ids(groupsOf(attacks, { ...all, words: 'limit' }, runs)), [['x', ['a']]]);
});

test('a tally tells right from wrong from untried', () => {
  const attacks = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => attack(id, 'x'));
  const failed = { state: 'failed', problem: new ApiProblem({ status: 503, detail: 'away' }) } as const;
  const runs: Runs = { a: done('refused'), b: done('served'), c: done('limit'), d: done('wrong'), e: failed };
  const tally = tallyOf(attacks, runs);
  assert.deepEqual(tally, { total: 6, run: 4, right: 2, limit: 1, wrong: 1, failed: 1 });
  assert.equal(sayTally(tally), '2 of 6 as it must be, 1 known limit, 1 wrong, 1 could not be tried');
  assert.equal(sayTally(tallyOf(attacks, {})), '6 attacks');
});
