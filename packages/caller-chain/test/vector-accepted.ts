/**
 * Test vectors of chains that are accepted: each kind of key, chains of one to four links, federation, intermediates, rotation,
 * and both ends of what is allowed.
 */
import { KeyPurpose, type TestKeyType } from '@countersign/testkit';
import { sha256 } from './chain-fixture.ts';
import type { ChainVector, VectorStep } from './chain-vectors.ts';
import { accepted, type Cast, headersOf, LAST_ACT, pairOf, type StepParts, stepOf, vectorOf } from './vector-cast.ts';
import { withCertificates } from './vector-signers.ts';
import { below, bundlesOf, chainOf, type MadeChain, NOW, rootOf, type Workload, workloadOf } from './vector-world.ts';

const KEYS: readonly (readonly [string, TestKeyType])[] = [
  ['ES256', 'ec-p256'],
  ['ES384', 'ec-p384'],
  ['RS256', 'rsa-2048'],
  ['EdDSA', 'ed25519'],
];

/** All of them. */
export async function acceptedVectors(cast: Cast): Promise<ChainVector[]> {
  return [...(await keyVectors(cast)), ...(await pathVectors(cast)), ...edgeVectors(cast)];
}

function one(cast: Cast, name: string, chain: MadeChain, parts: Partial<StepParts> = {}): ChainVector {
  return vectorOf(cast, name, [stepOf(cast, { chain, expected: accepted(chain), ...parts })]);
}

async function keyVectors(cast: Cast): Promise<ChainVector[]> {
  const byType: Workload[] = [];
  for (const [alg, keyType] of KEYS) {
    byType.push(await workloadOf(cast.ca, `/${alg.toLowerCase()}`, { keyType }));
  }
  const alone = byType.map((signer) =>
    one(cast, `one link by ${signer.alg}`, chainOf({ signer, aud: cast.store.id, act: LAST_ACT }), {
      call: { peer: signer.id },
    }),
  );
  const four = byType.map((signer, index) => ({
    signer,
    aud: byType[index + 1]?.id ?? cast.store.id,
    act: index === 3 ? LAST_ACT : `GET /hops/${index}`,
  }));
  const last = byType.at(-1)?.id ?? '';
  return [
    ...alone,
    one(cast, 'four links, each with a key of another kind', chainOf(...four), { call: { peer: last } }),
  ];
}

async function pathVectors(cast: Cast): Promise<ChainVector[]> {
  const { ca, origin, middle, foreign, store } = cast;
  const nested = await workloadOf(await below(await below(ca)), '/origin');
  const renewed = await workloadOf(ca, '/middle');
  const nextCa = await rootOf('example.org', { name: 'CN=next' });
  const byNext = await workloadOf(nextCa, '/origin');
  const rsaCa = await rootOf('example.org', { keyType: 'rsa-2048' });
  const byRsa = await workloadOf(rsaCa, '/origin');
  const signing = await workloadOf(ca, '/origin', { extendedKeyUsage: [KeyPurpose.codeSigning] });
  const selfCall = chainOf(
    { signer: middle, aud: middle.id, act: 'GET /self' },
    { signer: middle, aud: store.id, act: LAST_ACT },
  );
  const loop = chainOf(
    { signer: origin, aud: middle.id, act: 'GET /a' },
    { signer: middle, aud: origin.id, act: 'GET /b' },
    { signer: origin, aud: middle.id, act: 'GET /c' },
    { signer: renewed, aud: store.id, act: LAST_ACT },
  );
  const viaNext = pairOf(cast, { first: { signer: byNext } });
  const viaRsa = pairOf(cast, { first: { signer: byRsa } });
  const two = bundlesOf(ca, nextCa);
  return [
    one(cast, 'from a federated trust domain', pairOf(cast, { first: { signer: foreign } })),
    one(cast, 'with two intermediates', pairOf(cast, { first: { signer: nested } })),
    one(cast, 'an entry of ten certificates', pairOf(cast, { first: { signer: withCertificates(origin, 10) } })),
    one(cast, 'a leaf for no use that TLS has', pairOf(cast, { first: { signer: signing } })),
    one(cast, 'by one signer alone', selfCall),
    one(cast, 'a signer that rotated within the chain: two leaves of one ID', loop),
    vectorOf(cast, 'a bundle of two CAs', [stepOf(cast, { chain: viaNext, expected: accepted(viaNext) })], {
      bundles: two,
    }),
    vectorOf(cast, 'a CA with an RSA key', [stepOf(cast, { chain: viaRsa, expected: accepted(viaRsa) })], {
      bundles: bundlesOf(ca, rsaCa),
    }),
  ];
}

function edgeVectors(cast: Cast): ChainVector[] {
  const chain = pairOf(cast);
  const reversed = { ...chain, entries: chain.entries.toReversed() };
  const digest = sha256('{"item":"a"}');
  const withBody = () => pairOf(cast, { second: { claims: { bodyDigest: digest } } });
  const times = (iat: number, exp: number) => pairOf(cast, { second: { claims: { iat, exp } } });
  const escaped = pairOf(cast, { second: { editHeader: (json) => json.replace('"alg"', ' "\\u0061lg" ') } });
  const exponent = pairOf(cast, { second: { editClaims: (json) => json.replace(`${NOW}`, '1.8e9') } });
  const longest = `/${'~'.repeat(2_047)}`;
  const bytes = Object.values(headersOf(chain)).join('').length;
  const exact: VectorStep = stepOf(cast, { chain, expected: accepted(chain) });
  return [
    one(cast, 'certificates in another order than the links', reversed),
    one(cast, 'with the digest of the body', withBody(), { call: { bodyDigest: digest } }),
    one(cast, 'with a digest that the verifier was not told', withBody()),
    one(cast, 'a millisecond before the end of the leeway', times(NOW - 34, NOW - 4), { atMs: NOW * 1_000 + 999 }),
    one(cast, 'from a clock that is 5 s ahead', times(NOW + 5, NOW + 30)),
    one(cast, 'a life of 60 s', times(NOW, NOW + 60)),
    one(cast, 'a member name in escapes, and white space in the JSON', escaped),
    one(cast, 'iat with an exponent', exponent),
    one(cast, 'act of 2048 characters', pairOf(cast, { second: { act: longest } }), { call: { act: longest } }),
    vectorOf(cast, 'as many bytes and links as this verifier takes', [exact], {
      options: { maxBytes: bytes, maxLinks: 2 },
    }),
  ];
}
