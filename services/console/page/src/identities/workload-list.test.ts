import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edge, Outcome, Workload } from '../../../src/wire/model.ts';
import { callsOf, listWorkloads, renewedSince, serialsOf } from './workload-list.ts';

const workload = (id: string, serial?: string, more: Partial<Workload> = {}): Workload => ({
  id,
  name: id.slice(-1),
  trustDomain: 'd',
  state: 'ready',
  instances: [],
  ...(serial === undefined ? {} : { svid: { serial, notBefore: 0, notAfter: 2, rotatesAt: 1, since: 0 } }),
  trustDomains: ['d'],
  rotations: 0,
  lastSeenAt: 0,
  ...more,
});
const byId = (...workloads: readonly Workload[]) => new Map(workloads.map((each) => [each.id, each]));

test('the system says who there is, telemetry how they are', () => {
  const stack = [
    { name: 'b', spiffeId: 'spiffe://d/b', runs: true, registered: true },
    { name: 'r', spiffeId: 'spiffe://d/r', runs: false, registered: false },
  ];
  const live = workload('spiffe://d/b', '1');
  assert.deepEqual(listWorkloads(stack, byId(live, workload('spiffe://p/x'))), [
    { id: 'spiffe://d/b', name: 'b', runs: true, registered: true, live },
    { id: 'spiffe://d/r', name: 'r', runs: false, registered: false },
  ]);
});

test('without the system, who was heard of and has an identity', () => {
  const seen = workload('spiffe://d/p', undefined, { state: 'seen' });
  const browser = workload('browser', undefined, { state: 'seen', trustDomain: '' });
  const listed = listWorkloads(undefined, byId(workload('spiffe://d/b', '1'), seen, browser));
  assert.deepEqual(
    listed.map(({ id, runs, registered }) => [id, runs, registered]),
    [
      ['spiffe://d/b', true, undefined],
      ['spiffe://d/p', false, undefined],
    ],
  );
});

const edge = (from: string, to: string, outcome: Outcome = 'allow'): Edge => ({
  key: `${from}>${to}`,
  from,
  to,
  transports: ['https'],
  last: { at: 0, outcome, transport: 'https' },
  perSecond: 0,
  calls: 1,
  refused: 0,
});

test('a withdrawal concerns calls from it and to it that were let in', () => {
  const edges = new Map(
    [edge('a', 'b'), edge('b', 'c'), edge('c', 'd'), edge('r', 'b', 'refused')].map((each) => [each.key, each]),
  );
  assert.deepEqual(
    callsOf('b', edges).map(({ key }) => key),
    ['a>b', 'b>c'],
  );
});

test('a roll is counted by certificates that are other ones', () => {
  const before = serialsOf(
    byId(workload('a', '1'), workload('b', '2'), workload('c'), workload('s', '9', { state: 'silent' })),
  );
  assert.deepEqual(before, { a: '1', b: '2' });
  assert.deepEqual(renewedSince(before, byId(workload('a', '1'), workload('b', '3'))), { renewed: 1, of: 2 });
  assert.deepEqual(renewedSince(before, byId(workload('a', '4'), workload('b'))), { renewed: 1, of: 2 });
  assert.deepEqual(renewedSince(before, byId()), { renewed: 0, of: 2 });
});
