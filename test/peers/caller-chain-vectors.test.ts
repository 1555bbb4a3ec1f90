/**
 * Caller chains as another implementation sees them: one in Go that was written from docs/reference/caller-chain.md and shares
 * nothing with ours. It runs all test vectors, and judges chains that our signer makes on the spot.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import type { EncodedChain } from '@countersign/caller-chain';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { type ChainVector, readVectors } from '../../packages/caller-chain/test/chain-vectors.ts';
import { runVector } from '../../packages/caller-chain/test/run-vector.ts';
import { createCast } from '../../packages/caller-chain/test/vector-cast.ts';
import { editedCases, signedCases, tampering } from './chain-cases.ts';
import { peerProgram } from './interop.ts';

/** The same changes each time; a factor above 1 adds more. */
const SEED = 20_261_129;

/** What Go makes of a step: an outcome, with its reason beside it. */
type GoOutcome = Readonly<Record<string, unknown>>;

function askGo(vectors: readonly ChainVector[]): GoOutcome[][] {
  const { status, stdout, stderr } = spawnSync(peerProgram('caller-chain-verifier'), {
    input: vectors.map((vector) => `${JSON.stringify(vector)}\n`).join(''),
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  assert.equal(status, 0, stderr);
  const answers = stdout.trimEnd().split('\n');
  assert.equal(answers.length, vectors.length, 'one answer to each vector');
  return answers.map((line) => JSON.parse(line));
}

/** What both have to agree on: the code, or who called whom. Our errors do not say the number of the rule. */
function verdict(outcome: GoOutcome): GoOutcome {
  return without(outcome, 'why', 'rule');
}

function without(outcome: GoOutcome, ...names: readonly string[]): GoOutcome {
  return Object.fromEntries(Object.entries(outcome).filter(([name]) => !names.includes(name)));
}

/** Compares both verifiers, and says which verdicts there were. */
function compare(vectors: readonly ChainVector[]): Map<string, number> {
  const answers = askGo(vectors);
  const seen = new Map<string, number>();
  for (const [index, vector] of vectors.entries()) {
    const [ours, theirs] = [runVector(vector), answers[index] ?? []];
    const sent = JSON.stringify(vector.steps[0]?.headers['caller-chain']).slice(0, 2_000);
    assert.deepEqual(theirs.map(verdict), ours, `${JSON.stringify(theirs)} in Go, for ${sent}`);
    for (const outcome of ours) {
      const what = 'code' in outcome ? outcome.code : 'accepted';
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
  }
  return seen;
}

function shown(seen: ReadonlyMap<string, number>): string {
  return [...seen].map(([what, count]) => `${what} ${count}`).join(', ');
}

test('Go gives what each test vector says, and by the same rule', () => {
  const vectors = readVectors().map(({ vector }) => vector);
  const answers = askGo(vectors);
  assert.ok(vectors.length >= 60, `${vectors.length} vectors`);
  for (const [index, { name, steps }] of vectors.entries()) {
    const given = (answers[index] ?? []).map((outcome) => without(outcome, 'why'));
    const reasons = (answers[index] ?? []).map(({ why }) => why);
    assert.deepEqual(
      given,
      steps.map(({ expected }) => expected),
      `${name}: ${reasons}`,
    );
  }
});

test('Go accepts what our signer signs, with every kind of key and up to four links', async () => {
  const cases = await signedCases();
  const answers = askGo(cases.map(({ encoded, vector }) => vector(encoded)));
  assert.equal(cases.length, 16);
  for (const [index, { what, encoded, vector }] of cases.entries()) {
    const ours = runVector(vector(encoded));
    assert.ok(ours[0] !== undefined && 'origin' in ours[0], `${what}: ${JSON.stringify(ours)}`);
    assert.equal(ours[0].links.length, encoded.chain.split(',').length);
    assert.deepEqual(answers[index], ours, what);
  }
});

test('chains by our signer that were changed on the way: Go and we refuse them with the same code', async (t) => {
  const cases = await signedCases();
  const changes = fc.sample(fc.tuple(fc.nat({ max: cases.length - 1 }), tampering), {
    ...propertyRuns(1_500),
    seed: SEED,
  });
  const changed = changes.flatMap(([which, change]) => {
    const { encoded, vector } = cases[which] ?? assert.fail();
    const sent = change(encoded);
    return isSame(sent, encoded) ? [] : [vector(sent)];
  });
  const seen = compare(changed);
  assert.equal(seen.get('accepted'), undefined, shown(seen));
  for (const code of [
    'CHAIN_MALFORMED',
    'CHAIN_TOO_LARGE',
    'CHAIN_BROKEN',
    'CHAIN_PEER_MISMATCH',
    'CHAIN_SIGNER_UNTRUSTED',
    'CHAIN_SIGNATURE_INVALID',
  ])
    assert.ok((seen.get(code) ?? 0) > 0, `${code} was there: ${shown(seen)}`);
  t.diagnostic(shown(seen));
});

/** Only the order of the entries is free. */
function isSame(sent: EncodedChain, { chain, certs }: EncodedChain): boolean {
  const sorted = (text: string) => text.split(',').toSorted().join();
  return sent.chain === chain && sorted(sent.certs) === sorted(certs);
}

test('links with anything in their JSON, signed all the same: Go and we come to the same', async (t) => {
  const vectors = fc.sample(editedCases(await createCast()), { ...propertyRuns(2_000), seed: SEED });
  const seen = compare(vectors);
  for (const what of [
    'accepted',
    'CHAIN_MALFORMED',
    'CHAIN_BROKEN',
    'CHAIN_EXPIRED',
    'CHAIN_ACT_MISMATCH',
    'CHAIN_SIGNER_UNTRUSTED',
    'CHAIN_SIGNATURE_INVALID',
  ])
    assert.ok((seen.get(what) ?? 0) > 0, `${what} was there: ${shown(seen)}`);
  t.diagnostic(shown(seen));
});
