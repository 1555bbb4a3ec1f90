import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttackDescription } from '../../../src/wire/actions.ts';
import type { Workload } from '../../../src/wire/model.ts';
import { done } from '../attacks/attack-result.fixture.ts';
import { findOrderGrant, findRefused, findRogue, rotatedSince, rotationsOf } from './notice.ts';

const attack = (id: string, caller: string, transport: AttackDescription['transport']): AttackDescription => ({
  id,
  attack: id,
  what: '',
  group: 'caller',
  caller,
  server: 'b',
  transport,
  operation: 'GET /x',
});

test('the story is told with rogue over HTTPS, else with any rogue, else with any attack', () => {
  const expired = attack('1', 'expired', 'https');
  const byGrpc = attack('2', 'rogue', 'grpc');
  const byHttps = attack('3', 'rogue', 'https');
  assert.equal(findRogue([expired, byGrpc, byHttps])?.id, '3');
  assert.equal(findRogue([expired, byGrpc])?.id, '2');
  assert.equal(findRogue([expired])?.id, '1');
  assert.equal(findRogue([]), undefined);
});

test('only a refusal as it must be counts', () => {
  assert.equal(findRefused({}), undefined);
  assert.equal(
    findRefused({ a: { state: 'running' }, b: done('served'), c: done('wrong'), d: done('limit') }),
    undefined,
  );
  assert.equal(findRefused({ a: done('wrong'), b: done('refused') })?.result.verdict, 'refused');
});

test('an order needs a grant to POST', () => {
  const grant = (operation: string) => ({ self: 'b', peer: 'c', operation, terms: {} });
  assert.equal(findOrderGrant([grant('GET /x'), grant('POST /x'), grant('POST /y')])?.operation, 'POST /x');
  assert.equal(findOrderGrant([grant('GET /x')]), undefined);
});

const workload = (id: string, rotations: number, state: Workload['state'] = 'ready'): Workload => ({
  id,
  name: id,
  trustDomain: 'd',
  state,
  instances: [],
  svid: { serial: '1', notBefore: 0, notAfter: 2, rotatesAt: 1, since: 0 },
  trustDomains: [],
  rotations,
  lastSeenAt: 0,
});
const byId = (...all: readonly Workload[]) => new Map(all.map((each) => [each.id, each]));

test('every workload that was up has to have rotated', () => {
  const before = rotationsOf(byId(workload('a', 0), workload('b', 3), workload('s', 1, 'silent')));
  assert.deepEqual(before, { a: 0, b: 3 });
  assert.deepEqual(rotatedSince(before, byId(workload('a', 1), workload('b', 3))), { rotated: 1, of: 2 });
  assert.deepEqual(rotatedSince(before, byId(workload('a', 1), workload('b', 4))), { rotated: 2, of: 2 });
  assert.deepEqual(rotatedSince(before, byId()), { rotated: 0, of: 2 });
  assert.deepEqual(rotatedSince({}, byId(workload('a', 1))), { rotated: 0, of: 0 });
});
