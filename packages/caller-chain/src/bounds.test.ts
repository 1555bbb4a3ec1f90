/**
 * The bounds of a verifier: docs/reference/bounds.md has those of the code, what is at a default is accepted, and one more is
 * refused with its code.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { createTestCa } from '@countersign/testkit';
import { encoded, linkOf, NOW, NOW_MS, partyOf, randomId, sha256 } from '../test/chain-fixture.ts';
import { CHAIN_LIMITS } from './encoded-chain.ts';
import {
  CallerChainError,
  type CallerChainErrorCode,
  type ChainVerifierOptions,
  createChainVerifier,
  type EncodedChain,
} from './index.ts';
import { VERIFIER_LIMITS } from './verify-chain.ts';

const LIMITS = { ...CHAIN_LIMITS, ...VERIFIER_LIMITS };
type Option = keyof typeof LIMITS;
const CODES: Readonly<Record<Option, CallerChainErrorCode>> = {
  maxLinks: 'CHAIN_TOO_LARGE',
  maxBytes: 'CHAIN_TOO_LARGE',
  leewayMs: 'CHAIN_EXPIRED',
  maxLifeMs: 'CHAIN_EXPIRED',
  maxReplayEntries: 'CHAIN_STORE_FULL',
};
const names = Object.keys(LIMITS).filter((name): name is Option => name in LIMITS);

const ca = await createTestCa({ trustDomain: 'example.org' });
const party = await partyOf(ca, { path: '/a' });
const CALL = { peerId: party.svid.id, ownId: party.svid.id, act: 'GET /' };

/** A service that calls itself, this often. */
function chainOf(count: number, claims: object = {}): EncodedChain {
  const [links, txn]: [string[], string] = [[], randomId()];
  for (let index = 0; index < count; index += 1) {
    const before = links.at(-1);
    const prev = before === undefined ? {} : { prev: sha256(before) };
    links.push(linkOf(party, { aud: `${party.svid.id}`, act: 'GET /', txn, ...prev, ...claims }));
  }
  return encoded(links, [party.entry]);
}

function verdict(chain: EncodedChain, options: Partial<ChainVerifierOptions> = {}, nowMs = NOW_MS): string {
  try {
    createChainVerifier({ source: party.source, now: () => nowMs, ...options }).verify(chain, CALL);
    return 'accepted';
  } catch (error) {
    if (error instanceof CallerChainError) return error.code;
    throw error;
  }
}

test('docs/reference/bounds.md lists the options of a verifier, and no other', () => {
  const text = readFileSync(new URL('../../../docs/reference/bounds.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| [^|]+ \| ([0-9 ]+) \| ([0-9 ]+) \| ([0-9 ]+) \| `(\w+)` \| `(CHAIN_\w+)` \|$/gm)];
  const documented = rows.map(([, usual, least, most, name, code]) => {
    const [first, second, third] = [usual, least, most].map((number) => Number(number?.replaceAll(' ', '')));
    return [name, { usual: first, least: second, most: third }, code];
  });
  assert.deepEqual(
    documented,
    names.map((name) => [name, LIMITS[name], CODES[name]]),
  );
});

describe('an option is taken from its least to its most, and nothing beside:', () => {
  for (const name of names)
    test(name, () => {
      const { source } = party;
      const { least, most } = LIMITS[name];
      for (const value of [least, most]) createChainVerifier({ source, [name]: value });
      for (const value of [least - 1, most + 1, least + 0.5, Number.NaN])
        assert.throws(() => createChainVerifier({ source, [name]: value }), TypeError, `${value}`);
    });
});

describe('by default', () => {
  test('there may be 4 links', () => {
    assert.equal(verdict(chainOf(4)), 'accepted');
    assert.equal(verdict(chainOf(5)), 'CHAIN_TOO_LARGE');
    assert.equal(verdict(chainOf(5), { maxLinks: 5 }), 'accepted');
  });
  test('there may be 12 288 bytes', () => {
    const junk = (bytes: number) => ({ chain: 'a'.repeat(bytes - 1), certs: 'a' });
    assert.equal(verdict(junk(12_288)), 'CHAIN_MALFORMED');
    assert.equal(verdict(junk(12_289)), 'CHAIN_TOO_LARGE');
  });
  test('a link may live for 60 s', () => {
    assert.equal(verdict(chainOf(1, { exp: NOW + 60 })), 'accepted');
    assert.equal(verdict(chainOf(1, { exp: NOW + 61 })), 'CHAIN_EXPIRED');
  });
  test('another clock may be off by 5 s', () => {
    assert.equal(verdict(chainOf(1), {}, NOW_MS + 34_999), 'accepted');
    assert.equal(verdict(chainOf(1), {}, NOW_MS + 35_000), 'CHAIN_EXPIRED');
    assert.equal(verdict(chainOf(1), {}, NOW_MS - 5_000), 'accepted');
    assert.equal(verdict(chainOf(1), {}, NOW_MS - 5_001), 'CHAIN_EXPIRED');
  });
});

test('as many links are remembered as were asked for', () => {
  const verifier = createChainVerifier({ source: party.source, now: () => NOW_MS, maxReplayEntries: 3 });
  for (let call = 0; call < 3; call += 1) verifier.verify(chainOf(1), CALL);
  assert.throws(() => verifier.verify(chainOf(1), CALL), { code: 'CHAIN_STORE_FULL' });
});
