/**
 * JWT-SVIDs, as go-spiffe validates them and as we do.
 */
import { constants, sign } from 'node:crypto';
import { test } from 'node:test';
import { JwtBundle, JwtBundleSet, TrustDomain, validateJwtSvid } from '@countersign/spiffe-tls';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { type TokenInput, tokenDisagreements } from './disagreements.ts';
import { askGoSpiffe, askOurs, base64, Comparison } from './oracle.ts';
import { type OracleKey, oracleKey } from './oracle-jwks.ts';

const SEED = 20_261_125;
const AUDIENCE = 'spiffe://example.org/backend';
const keys = {
  ES256: oracleKey('P-256', 'p256'),
  ES384: oracleKey('P-384', 'p384'),
  ES512: oracleKey('P-521', 'p521'),
  RS256: oracleKey('RSA', 'rsa'),
} as const;
const stranger = oracleKey('P-256', 'p256');
const jwks = Buffer.from(JSON.stringify({ keys: Object.values(keys).map(({ jwk }) => jwk) }));
const partner = Buffer.from(JSON.stringify({ keys: [stranger.jwk] }));
const bundles = JwtBundleSet.of(
  JwtBundle.fromJwks(TrustDomain.parse('example.org'), jwks),
  JwtBundle.fromJwks(TrustDomain.parse('partner.example'), partner),
);

interface TokenSpec extends TokenInput {
  readonly alg: keyof typeof keys;
  readonly signBy: string;
  readonly damage: readonly [place: number, character: string] | undefined;
}

/** Mostly right, with at most a few things changed. */
const specs: fc.Arbitrary<TokenSpec> = fc
  .record({
    alg: oftenFirst<TokenSpec['alg']>('ES256', 'ES384', 'ES512', 'RS256'),
    signBy: oftenFirst('own', 'stranger', 'other'),
    damage: oftenFirst<TokenSpec['damage']>(undefined, [0, '!'], [3, 'A'], [40, 'B'], [-1, '='], [-2, 'A'], [-90, '.']),
    header: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, headers()),
    claims: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, claims()),
  })
  .map(({ alg, header, claims: changes, ...rest }) => ({
    alg,
    ...rest,
    header: { alg, kid: keys[alg].kid, typ: 'JWT', ...header },
    claims: { sub: 'spiffe://example.org/web', aud: [AUDIENCE], exp: 300, iat: 0, ...changes },
  }));

function oftenFirst<Value>(first: Value, ...rest: Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(first) }, fc.constantFrom(...rest));
}

function headers(): fc.Arbitrary<Record<string, unknown>> {
  return fc.oneof(
    fc.record({ kid: fc.constantFrom<unknown>(undefined, '', 'other', 'rsa', 1, null) }),
    fc.record({ typ: fc.constantFrom<unknown>(undefined, 'JOSE', 'jwt', 'at+jwt', '', 1, null) }),
    fc.record({ alg: fc.constantFrom<unknown>(undefined, 'none', 'HS256', 'ES256', 'PS256', 'RS512', 'EdDSA', '', 1) }),
    fc.record({ x5c: fc.constant(['AAAA']) }),
    fc.record({ jku: fc.constant('https://example.org') }),
    fc.record({ crit: fc.constantFrom<unknown>(['b64'], [], ['exp']) }),
    fc.record({ b64: fc.constant(false) }),
    fc.record({ cty: fc.constant('JWT') }),
    fc.record({ jwk: fc.constant(stranger.jwk) }),
  );
}

/** Times are seconds from now. */
function claims(): fc.Arbitrary<Record<string, unknown>> {
  const uris = [
    'spiffe://example.org',
    'spiffe://partner.example/x',
    'spiffe://stranger.example/x',
    'spiffe://EXAMPLE.org/x',
  ];
  return fc.oneof(
    fc.record({ sub: fc.constantFrom<unknown>(undefined, '', 'web', 1, null, ...uris) }),
    fc.record({
      aud: fc.constantFrom<unknown>(
        undefined,
        AUDIENCE,
        'other',
        '',
        [],
        ['other'],
        [AUDIENCE, 'other'],
        [AUDIENCE, 1],
        1,
        null,
        [''],
      ),
    }),
    fc.record({ aud: fc.constantFrom(32, 33, 100).map((count) => Array<string>(count).fill(AUDIENCE)) }),
    fc.record({ exp: fc.constantFrom<unknown>(undefined, -3600, -90, -45, -10, 0.5, 1e12, '300', null) }),
    fc.record({ nbf: fc.constantFrom<unknown>(-60, 10, 45, 3600, '0', null) }),
    fc.record({ iat: fc.constantFrom<unknown>(undefined, 45, 3600, 'x', null) }),
    fc.record({ unknown: fc.jsonValue() }),
  );
}

const nowSeconds = Math.floor(Date.now() / 1000);

function tokenOf({ alg, header, claims: relative, signBy, damage }: TokenSpec): string {
  const times = Object.entries(relative).map(([name, value]) => [
    name,
    ['exp', 'nbf', 'iat'].includes(name) && typeof value === 'number' ? nowSeconds + value : value,
  ]);
  const parts = [header, Object.fromEntries(times)].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const key = signBy === 'own' ? keys[alg] : signBy === 'stranger' ? stranger : keys.ES384;
  const signed = parts.join('.');
  const token = `${signed}.${signature(key, alg, signed).toString('base64url')}`;
  if (damage === undefined) return token;
  const at = (damage[0] + token.length) % token.length;
  return token.slice(0, at) + damage[1] + token.slice(at + 1);
}

function signature({ privateKey: key }: OracleKey, alg: string, signed: string): Buffer {
  const rsa = key.asymmetricKeyType === 'rsa';
  const options = rsa ? { key, padding: constants.RSA_PKCS1_PADDING } : { key, dsaEncoding: 'ieee-p1363' as const };
  return sign(`sha${alg.slice(2)}`, Buffer.from(signed), options);
}

test('JWT-SVIDs: go-spiffe and we accept the same, but for what is documented', (t) => {
  const inputs = fc.sample(specs, { ...propertyRuns(2000), seed: SEED });
  const tokens = inputs.map(tokenOf);
  const wire = { 'example.org': base64(jwks), 'partner.example': base64(partner) };
  const answers = askGoSpiffe(tokens.map((text) => ({ kind: 'jwt-svid', text, audience: [AUDIENCE], bundles: wire })));
  const comparison = new Comparison(tokenDisagreements);
  for (const [index, input] of inputs.entries()) {
    const ours = askOurs(() => {
      const svid = validateJwtSvid(tokens[index] ?? '', { audience: AUDIENCE, bundles, nowMs: Date.now() });
      return { id: svid.id, audience: svid.audience };
    });
    comparison.add(input, ours, answers[index] ?? { refused: 'no answer' });
  }
  t.diagnostic(comparison.finish());
});
