import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ladderOf, sayLadder } from './ladder.ts';

const said = (layer: string, transport: 'https' | 'grpc' | 'postgres' = 'https') =>
  sayLadder(ladderOf({ layer }, { transport }));

const cases: readonly (readonly [string, string, string])[] = [
  [
    'the handshake refuses before all else',
    said('TLS handshake'),
    'TLS handshake: refused, peer: not reached, caller chain: not reached, policy: not reached, handler: not reached',
  ],
  [
    'the guard is what looks at the peer',
    said('guard', 'grpc'),
    'TLS handshake: passed, peer: refused, caller chain: not reached, policy: not reached, handler: not reached',
  ],
  [
    'the policy is asked after the chain',
    said('policy'),
    'TLS handshake: passed, peer: passed, caller chain: passed, policy: refused, handler: not reached',
  ],
  [
    'nobody refused: it was served',
    said('nobody'),
    'TLS handshake: passed, peer: passed, caller chain: passed, policy: passed, handler: served',
  ],
  [
    'a parser stands on the connection',
    said('HTTP parser'),
    'TLS handshake: passed, HTTP parser: refused, peer: not reached, caller chain: not reached, policy: not reached, handler: not reached',
  ],
  [
    'PostgreSQL has checks of its own',
    said('PostgreSQL', 'postgres'),
    'TLS handshake: passed, PostgreSQL: refused, query: not reached',
  ],
  ['a login that is let in', said('nobody', 'postgres'), 'TLS handshake: passed, PostgreSQL: passed, query: served'],
];

for (const [name, actual, expected] of cases) test(name, () => assert.equal(actual, expected));

test('exactly one rung refuses or serves', () => {
  for (const layer of ['TLS handshake', 'guard', 'caller chain', 'policy', 'HTTP parser', 'gRPC', 'nobody', 'new']) {
    for (const transport of ['https', 'grpc', 'postgres'] as const) {
      const ends = ladderOf({ layer }, { transport }).filter(({ state }) => state === 'refused' || state === 'served');
      assert.equal(ends.length, 1, `${layer} by ${transport}`);
    }
  }
});
