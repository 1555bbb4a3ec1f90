/**
 * Whatever is done to a chain on the way, it is the one that was signed or it is refused, by an error of this package.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestCa, nearText, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { encoded, linkOf, NOW_MS, partyOf, randomId, sha256 } from '../test/chain-fixture.ts';
import { CallerChainError, createChainVerifier, type EncodedChain } from './index.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const parties = await Promise.all(['/a', '/b', '/c', '/d'].map((path) => partyOf(ca, { path })));
const [a, b, c, own] = parties as [(typeof parties)[0], (typeof parties)[0], (typeof parties)[0], (typeof parties)[0]];
const CALL = { peerId: c.svid.id, ownId: own.svid.id, act: 'GET /' };

function chainOfThree(): { links: [string, string, string]; entries: string[] } {
  const txn = randomId();
  const first = linkOf(a, { aud: `${b.svid.id}`, act: 'GET /', txn });
  const second = linkOf(b, { aud: `${c.svid.id}`, act: 'GET /', txn, prev: sha256(first) });
  const third = linkOf(c, { aud: `${own.svid.id}`, act: 'GET /', txn, prev: sha256(second) });
  return { links: [first, second, third], entries: [a.entry, b.entry, c.entry] };
}

const [left, right] = [chainOfThree(), chainOfThree()];
const [good, other] = [encoded(left.links, left.entries), encoded(right.links, right.entries)];

/** Each verdict by a verifier that remembers nothing: a replay would hide what else is wrong. */
function accepts(chain: EncodedChain): boolean {
  try {
    createChainVerifier({ source: own.source, now: () => NOW_MS }).verify(chain, CALL);
    return true;
  } catch (error) {
    assert.ok(error instanceof CallerChainError, `${error}`);
    return false;
  }
}

test('the chains that properties begin with are accepted', () => {
  assert.ok(accepts(good) && accepts(other));
});

test('a chain with any one character replaced is refused', () => {
  const place = fc.noBias(fc.nat({ max: good.chain.length + good.certs.length - 1 }));
  const letter = fc.constantFrom(...'AQgwBZaz019-_,.= é\0'.split(''));
  fc.assert(
    fc.property(place, letter, (at, filler) => {
      const whole = `${good.chain}${good.certs}`;
      fc.pre(whole[at] !== filler);
      const changed = `${whole.slice(0, at)}${filler}${whole.slice(at + 1)}`;
      const [chain, certs] = [changed.slice(0, good.chain.length), changed.slice(good.chain.length)];
      assert.equal(accepts({ chain, certs }), false);
    }),
    propertyRuns(500),
  );
});

test('any selection of the links of two chains but the two themselves is refused', () => {
  const links = [...left.links, ...right.links];
  const entries = fc.subarray([...left.entries], { minLength: 1 });
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...links), { minLength: 1, maxLength: 4 }), entries, (picked, certs) => {
      const chain = picked.join(',');
      const proper = certs.length === 3 && (chain === good.chain || chain === other.chain);
      assert.equal(accepts(encoded(picked, certs)), proper);
    }),
    propertyRuns(500),
  );
});

test('a chain cut anywhere is refused', () => {
  fc.assert(
    fc.property(fc.noBias(fc.nat({ max: good.chain.length - 1 })), fc.boolean(), (at, begin) => {
      const chain = begin ? good.chain.slice(at + 1) : good.chain.slice(0, at);
      assert.equal(accepts({ ...good, chain }), false);
    }),
    propertyRuns(300),
  );
});

test('junk, and what is near a chain, is the chain or is refused by an error of this package', () => {
  const alphabet = 'AZaz09-_,.=+/ é\0';
  const near = fc.record({ chain: nearText(alphabet, good.chain), certs: nearText(alphabet, good.certs) });
  const junk = fc.record({ chain: fc.string({ maxLength: 200 }), certs: fc.string({ maxLength: 200 }) });
  fc.assert(
    fc.property(fc.oneof(near, junk), (chain) => {
      assert.equal(accepts(chain), chain.chain === good.chain && sameCertificates(chain.certs));
    }),
    propertyRuns(300),
  );
});

/** Only the order of the entries is free. */
function sameCertificates(certs: string): boolean {
  return certs.split(',').toSorted().join() === good.certs.split(',').toSorted().join();
}
