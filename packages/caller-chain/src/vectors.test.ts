/**
 * The test vectors of the specification, with our verifier; and that they cover what the specification says.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readVectors, type VectorOutcome } from '../test/chain-vectors.ts';
import { runVector } from '../test/run-vector.ts';
import type { CallerChainErrorCode } from './index.ts';

const vectors = readVectors();
const outcomes = vectors.flatMap(({ vector }) => vector.steps.map(({ expected }) => expected));
const specification = readFileSync(new URL('../../../docs/reference/caller-chain.md', import.meta.url), 'utf8');

/** Whether a verifier gives it: the compiler sees that none is missing. */
const CODES: Readonly<Record<CallerChainErrorCode, boolean>> = {
  CHAIN_MALFORMED: true,
  CHAIN_TOO_LARGE: true,
  CHAIN_SIGNATURE_INVALID: true,
  CHAIN_SIGNER_UNTRUSTED: true,
  CHAIN_BROKEN: true,
  CHAIN_PEER_MISMATCH: true,
  CHAIN_AUDIENCE_MISMATCH: true,
  CHAIN_ACT_MISMATCH: true,
  CHAIN_EXPIRED: true,
  CHAIN_REPLAYED: true,
  CHAIN_STORE_FULL: true,
  CHAIN_NOT_SIGNED: false,
};

describe('the vectors give what they say:', () => {
  for (const { file, vector } of vectors)
    test(`${file}: ${vector.name}`, () => {
      const expected = vector.steps.map((step) => withoutRule(step.expected));
      assert.deepEqual(runVector(vector), expected);
    });
});

function withoutRule(outcome: VectorOutcome) {
  return 'code' in outcome ? { code: outcome.code } : outcome;
}

describe('the vectors cover', () => {
  const refusals = outcomes.filter((outcome) => 'code' in outcome);
  test('every code that a verifier gives, and no other', () => {
    const given = Object.entries(CODES).filter(([, verifies]) => verifies);
    const seen = new Set<string>(refusals.map(({ code }) => code));
    assert.deepEqual([...seen].sort(), given.map(([code]) => code).sort());
  });
  test('every rule of the specification, with its code', () => {
    const rows = [...specification.matchAll(/^\| (\d+) \| .* \| `(CHAIN_[A-Z_]+)` \|$/gm)];
    const rules = new Set(rows.map(([, rule, code]) => `${rule} ${code}`));
    assert.ok(rules.size >= 15, `${rules.size} rules`);
    assert.deepEqual(new Set(refusals.map(({ rule, code }) => `${rule} ${code}`)), rules);
  });
  test('chains of one, two and four links that are accepted, by every algorithm, from two trust domains', () => {
    const accepted = outcomes.filter((outcome) => 'origin' in outcome);
    assert.deepEqual(new Set(accepted.map(({ links }) => links.length)), new Set([1, 2, 4]));
    assert.ok(accepted.some(({ origin }) => origin.startsWith('spiffe://example.net/')));
    assert.deepEqual(acceptedAlgorithms(), new Set(['ES256', 'ES384', 'RS256', 'EdDSA']));
    assert.ok(refusals.length > accepted.length);
  });
  test('each case once, and at least sixty of them', () => {
    const names = vectors.map(({ vector }) => vector.name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.length >= 60, `${names.length}`);
  });
});

function acceptedAlgorithms(): Set<unknown> {
  const steps = vectors.flatMap(({ vector }) => vector.steps).filter(({ expected }) => 'origin' in expected);
  const links = steps.flatMap(({ headers }) => headers['caller-chain'].flatMap((value) => value.split(',')));
  return new Set(links.map((link) => JSON.parse(Buffer.from(link.split('.')[0] ?? '', 'base64url').toString()).alg));
}
