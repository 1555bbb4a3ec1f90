import { deepEqual } from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Refusal } from '../../../src/wire/model.ts';
import { group } from './group.ts';

function refusal(seq: number, more: Partial<Refusal> = {}): Refusal {
  return {
    seq,
    at: seq,
    stage: 'policy',
    code: 'POLICY_DENIED',
    self: 'b',
    peer: 'a',
    peerIs: 'verified',
    transport: 'https',
    role: 'server',
    ...more,
  };
}

describe('refusals that say the same', () => {
  it('are one line with the newest, their number and the oldest’s time', () => {
    deepEqual(group([refusal(3), refusal(2), refusal(1)]), [{ refusal: refusal(3), count: 3, since: 1 }]);
  });

  for (const [name, other] of Object.entries({
    'of another caller': { peer: 'c' },
    'by another': { self: 'c' },
    'for another operation': { operation: 'GET /' },
    'at another stage': { stage: 'handshake' },
    'with another code': { code: 'CHAIN_INVALID' },
    'that got something else': { got: 'x' },
  })) {
    it(`stay apart from one ${name}`, () => {
      const counts = group([refusal(3), refusal(2, other), refusal(1)]).map(({ count }) => count);
      deepEqual(counts, [1, 1, 1]);
    });
  }
});
