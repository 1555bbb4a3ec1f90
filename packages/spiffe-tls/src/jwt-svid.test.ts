/**
 * The offline verdict over JWT-SVIDs: one table of refusals with their codes, and what is accepted.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import {
  AUDIENCE,
  claimsWith,
  createJwtKey,
  encode,
  jwtBundleOf,
  NOW_MS,
  signToken,
  type TestJwtKey,
  type TokenParts,
} from '../test/jwt-fixture.ts';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { JwtBundleSet } from './jwt-bundle.ts';
import { type JwtSvid, type ValidateJwtSvidOptions, validateJwtSvid } from './jwt-svid.ts';
import { TrustDomain } from './trust-domain.ts';

const rsa = createJwtKey('RSA');
const p256 = createJwtKey('P-256');
const p384 = createJwtKey('P-384');
const p521 = createJwtKey('P-521');
const foreign = createJwtKey('P-256', 'key-P-256');
const bundles = JwtBundleSet.of(
  jwtBundleOf('example.org', rsa, p256, p384, p521),
  jwtBundleOf('partner.example', foreign),
);
const seconds = NOW_MS / 1000;

function validate(token: string, options: Partial<ValidateJwtSvidOptions> = {}): JwtSvid {
  return validateJwtSvid(token, { audience: AUDIENCE, bundles, nowMs: NOW_MS, ...options });
}

function refused(token: string, code: SpiffeTlsErrorCode, options: Partial<ValidateJwtSvidOptions> = {}): void {
  assert.throws(() => validate(token, options), { name: 'SpiffeTlsError', code });
}

const keyFor = { RS: rsa, PS: rsa, ES256: p256, ES384: p384, ES512: p521 };

for (const alg of ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'] as const) {
  const key = alg.startsWith('ES') ? keyFor[alg as 'ES256'] : rsa;
  test(`L31 accepts ${alg}`, () => {
    assert.equal(validate(signToken(key, alg)).id.toString(), 'spiffe://example.org/web');
  });
  test(`L31 ${alg} refuses a signature with one bit changed`, () => {
    const token = signToken(key, alg);
    const signature = Buffer.from(token.split('.')[2] ?? '', 'base64url');
    signature[10] = (signature[10] ?? 0) ^ 1;
    refused(`${token.slice(0, token.lastIndexOf('.'))}.${encode(signature)}`, 'JWT_SIGNATURE');
  });
}

test('L36 the SVID has the ID, the audience, the claims and the token', () => {
  const token = signToken(p256, 'ES256', { claims: claimsWith({ role: { name: 'x' } }) });
  const svid = validate(token);
  assert.equal(svid.id.path, '/web');
  assert.deepEqual(svid.audience, [AUDIENCE]);
  assert.equal(svid.expiresAtMs, NOW_MS + 300_000);
  assert.equal(svid.token(), token);
  assert.deepEqual(Object.keys(svid.claims), ['sub', 'aud', 'exp', 'iat', 'role']);
});

test('the token is in neither JSON nor inspection', () => {
  const token = signToken(p256, 'ES256');
  const shown = `${JSON.stringify(validate(token))} ${inspect(validate(token), { showHidden: true, depth: 9 })}`;
  assert.match(shown, /spiffe:\/\/example\.org\/web/);
  assert.equal(shown.includes(token.slice(-20)), false);
});

interface Refusal {
  readonly name: string;
  readonly code: SpiffeTlsErrorCode;
  readonly key?: TestJwtKey;
  readonly alg?: string;
  readonly parts?: TokenParts;
}

const header = { alg: 'ES256', kid: p256.keyId, typ: 'JWT' };
const refusals: readonly Refusal[] = [
  { name: 'L31 alg none', code: 'JWT_ALGORITHM', alg: 'none', parts: { signBy: 'ES256' } },
  { name: 'L31 alg NONE in capitals', code: 'JWT_ALGORITHM', alg: 'NONE', parts: { signBy: 'ES256' } },
  { name: 'L31 alg HS256', code: 'JWT_ALGORITHM', alg: 'HS256' },
  { name: 'L31 alg EdDSA', code: 'JWT_ALGORITHM', alg: 'EdDSA', key: createJwtKey('Ed25519') },
  { name: 'L31 alg ES256K', code: 'JWT_ALGORITHM', alg: 'ES256K', key: createJwtKey('secp256k1') },
  { name: 'L31 alg constructor', code: 'JWT_ALGORITHM', alg: 'constructor', parts: { signBy: 'ES256' } },
  { name: 'L31 no alg', code: 'JWT_ALGORITHM', parts: { header: { kid: p256.keyId } } },
  { name: 'L32 ES384 by a P-256 key', code: 'JWT_KEY_UNKNOWN', alg: 'ES384' },
  { name: 'L32 ES256 by a P-384 key', code: 'JWT_KEY_UNKNOWN', key: p384 },
  { name: 'L32 RS256 named for an EC key', code: 'JWT_KEY_UNKNOWN', key: { ...rsa, keyId: p256.keyId }, alg: 'RS256' },
  { name: 'L32 PS256 said, RS256 signed', code: 'JWT_SIGNATURE', key: rsa, alg: 'PS256', parts: { signBy: 'RS256' } },
  { name: 'L33 an unknown kid', code: 'JWT_KEY_UNKNOWN', parts: { header: { ...header, kid: 'other' } } },
  { name: 'L33 kid that is no text', code: 'JWT_HEADER', parts: { header: { ...header, kid: 1 } } },
  { name: 'L33 kid empty', code: 'JWT_HEADER', parts: { header: { ...header, kid: '' } } },
  { name: 'L34 typ wit+jwt', code: 'JWT_HEADER', parts: { header: { ...header, typ: 'wit+jwt' } } },
  { name: 'L34 typ at+jwt', code: 'JWT_HEADER', parts: { header: { ...header, typ: 'at+jwt' } } },
  { name: 'L34 typ null', code: 'JWT_HEADER', parts: { header: { ...header, typ: null } } },
  ...['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'cty', '__proto__'].map((name) => ({
    name: `L35 header ${name}`,
    code: 'JWT_HEADER' as const,
    parts: { header: `{"alg":"ES256","kid":"${p256.keyId}","${name}":{}}` },
  })),
  { name: 'L36 no sub', code: 'JWT_CLAIM', parts: { claims: claimsWith({ sub: undefined }) } },
  { name: 'L36 sub is no SPIFFE ID', code: 'JWT_CLAIM', parts: { claims: claimsWith({ sub: 'web' }) } },
  {
    name: 'L36 sub in capitals',
    code: 'JWT_CLAIM',
    parts: { claims: claimsWith({ sub: 'spiffe://EXAMPLE.org/web' }) },
  },
  {
    name: 'L36 sub of a partner, signed by us with its kid',
    code: 'JWT_SIGNATURE',
    parts: { claims: claimsWith({ sub: 'spiffe://partner.example/web' }) },
  },
  {
    name: 'L36 sub of a trust domain without bundle',
    code: 'NO_BUNDLE',
    parts: { claims: claimsWith({ sub: 'spiffe://nowhere.example/web' }) },
  },
  { name: 'L37 T21 no aud', code: 'JWT_CLAIM', parts: { claims: claimsWith({ aud: undefined }) } },
  { name: 'L37 aud empty list', code: 'JWT_CLAIM', parts: { claims: claimsWith({ aud: [] }) } },
  { name: 'L37 aud empty text', code: 'JWT_CLAIM', parts: { claims: claimsWith({ aud: '' }) } },
  { name: 'L37 aud with a number', code: 'JWT_CLAIM', parts: { claims: claimsWith({ aud: [AUDIENCE, 1] }) } },
  { name: 'L37 aud of another service', code: 'JWT_AUDIENCE', parts: { claims: claimsWith({ aud: ['other'] }) } },
  { name: 'L37 aud that begins alike', code: 'JWT_AUDIENCE', parts: { claims: claimsWith({ aud: `${AUDIENCE}/x` }) } },
  {
    name: 'T16 10 000 audiences',
    code: 'JWT_MALFORMED',
    parts: { claims: claimsWith({ aud: Array.from({ length: 10_000 }, (_, index) => `${AUDIENCE}${index}`) }) },
  },
  {
    name: 'T16 33 audiences',
    code: 'JWT_CLAIM',
    parts: { claims: claimsWith({ aud: Array.from({ length: 33 }, () => AUDIENCE) }) },
  },
  { name: 'L38 no exp', code: 'JWT_CLAIM', parts: { claims: claimsWith({ exp: undefined }) } },
  { name: 'L38 exp as text', code: 'JWT_CLAIM', parts: { claims: claimsWith({ exp: `${seconds + 300}` }) } },
  { name: 'L38 exp negative', code: 'JWT_CLAIM', parts: { claims: claimsWith({ exp: -1 }) } },
  {
    name: 'L38 exp infinite',
    code: 'JWT_CLAIM',
    parts: { claims: `{"sub":"spiffe://example.org/web","aud":"a","exp":1e999}` },
  },
  { name: 'L38 exp past', code: 'EXPIRED', parts: { claims: claimsWith({ exp: seconds - 30 }) } },
  { name: 'L38 nbf ahead', code: 'NOT_YET_VALID', parts: { claims: claimsWith({ nbf: seconds + 31 }) } },
  { name: 'L38 nbf as text', code: 'JWT_CLAIM', parts: { claims: claimsWith({ nbf: 'soon' }) } },
  {
    name: 'sub twice',
    code: 'JWT_MALFORMED',
    parts: { claims: JSON.stringify(claimsWith()).replace('{', '{"sub":"spiffe://example.org/admin",') },
  },
  { name: 'alg twice', code: 'JWT_MALFORMED', parts: { header: `{"alg":"none","alg":"ES256"}` } },
  { name: 'claims that are a list', code: 'JWT_MALFORMED', parts: { claims: '[]' } },
  { name: 'claims that are no JSON', code: 'JWT_MALFORMED', parts: { claims: '{"sub":' } },
  {
    name: 'claims after which something stands',
    code: 'JWT_MALFORMED',
    parts: { claims: `${JSON.stringify(claimsWith())}{}` },
  },
  { name: 'claims nested deeply', code: 'JWT_MALFORMED', parts: { claims: '['.repeat(4000) } },
];

for (const { name, code, key = p256, alg = 'ES256', parts } of refusals) {
  test(`refuses ${name}`, () => refused(signToken(key, alg, parts), code));
}

test('L30 refuses every other form than three parts of strict base64url', () => {
  const token = signToken(p256, 'ES256');
  const [head = '', body = '', signature = ''] = token.split('.');
  const jws = JSON.stringify({ payload: body, signatures: [{ protected: head, signature }] });
  const last = signature.slice(-1);
  // 64 bytes leave four bits of the last character unused: another letter with the same upper bits decodes alike.
  const alias = String.fromCharCode(last.charCodeAt(0) + 1);
  for (const text of [
    '',
    '..',
    head,
    `${head}.${body}`,
    `${head}.${body}.`,
    `${token}.`,
    `${token}.${signature}.x.y`,
    ` ${token}`,
    `${token}\n`,
    `${token}=`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}.${signature.slice(0, -1)}${alias}`,
    `${head}.${body}.${signature.slice(0, 5)} ${signature.slice(5)}`,
    jws,
    'x'.repeat(1_000_000),
    '.'.repeat(16_000),
  ]) {
    refused(text, 'JWT_MALFORMED');
  }
});

test('L31 an HMAC over the public key is refused before any crypto', () => {
  const signed = `${encode(JSON.stringify({ alg: 'HS256', kid: p256.keyId }))}.${encode(JSON.stringify(claimsWith()))}`;
  const publicKey = bundles.get(TrustDomain.parse('example.org'))?.keys[1]?.publicKey;
  const secret = publicKey?.export({ type: 'spki', format: 'pem' }) ?? '';
  refused(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`, 'JWT_ALGORITHM');
});

test('L33 T20 a token without kid is verified by any key of the trust domain that fits', () => {
  const token = signToken(p384, 'ES384', { header: { alg: 'ES384' } });
  assert.equal(validate(token).id.path, '/web');
  refused(signToken(createJwtKey('P-384'), 'ES384', { header: { alg: 'ES384' } }), 'JWT_SIGNATURE');
});

test('L33 at most 16 keys are tried for a token without kid', () => {
  const others = Array.from({ length: 16 }, (_, index) => createJwtKey('P-256', `other-${index}`));
  const token = signToken(p256, 'ES256', { header: { alg: 'ES256' } });
  const tried = (...keys: TestJwtKey[]) => ({ bundles: JwtBundleSet.of(jwtBundleOf('example.org', ...keys)) });
  assert.equal(validate(token, tried(...others.slice(1), p256)).id.path, '/web');
  refused(token, 'JWT_SIGNATURE', tried(...others, p256));
});

test('T20 of two keys with one kid each counts', () => {
  const twin = createJwtKey('P-256', p256.keyId);
  const both = JwtBundleSet.of(jwtBundleOf('example.org', twin, p256));
  for (const key of [twin, p256]) assert.equal(validate(signToken(key, 'ES256'), { bundles: both }).id.path, '/web');
});

test('a key that names its algorithm is used with no other', () => {
  const only = JwtBundleSet.of(jwtBundleOf('example.org', { ...rsa.jwk, alg: 'RS256' }));
  assert.equal(validate(signToken(rsa, 'RS256'), { bundles: only }).id.path, '/web');
  refused(signToken(rsa, 'PS256'), 'JWT_KEY_UNKNOWN', { bundles: only });
});

test('L34 typ may be JWT, JOSE or absent', () => {
  for (const typ of ['JWT', 'JOSE', undefined]) {
    assert.equal(validate(signToken(p256, 'ES256', { header: { ...header, typ } })).id.path, '/web');
  }
});

test('L35 allowExtraHeaders lets unknown ones pass, and never one that chooses the key', () => {
  const allowed = { allowExtraHeaders: true };
  const token = (name: string) => signToken(p256, 'ES256', { header: { ...header, [name]: 'x' } });
  assert.equal(validate(token('cty'), allowed).id.path, '/web');
  for (const name of ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c']) refused(token(name), 'JWT_HEADER', allowed);
});

test('L36 each trust domain is verified by its own bundle', () => {
  const token = signToken(foreign, 'ES256', { claims: claimsWith({ sub: 'spiffe://partner.example/web' }) });
  assert.equal(validate(token).id.toString(), 'spiffe://partner.example/web');
  refused(signToken(foreign, 'ES256'), 'JWT_SIGNATURE');
  refused(token, 'TRUST_DOMAIN_NOT_ALLOWED', { trustDomains: [TrustDomain.parse('example.org')] });
  refused(token, 'TRUST_DOMAIN_NOT_ALLOWED', { trustDomains: [] });
});

test("L36 a source that answers with another trust domain's bundle is not believed", () => {
  const partner = bundles.get(TrustDomain.parse('partner.example'));
  refused(signToken(foreign, 'ES256'), 'NO_BUNDLE', { bundles: { get: () => partner } });
});

test('L39 an empty bundle trusts nobody', () => {
  refused(signToken(p256, 'ES256'), 'NO_BUNDLE', { bundles: JwtBundleSet.of(jwtBundleOf('example.org')) });
});

test('L37 T21 aud may be a text, and one of several accepted', () => {
  const single = signToken(p256, 'ES256', { claims: claimsWith({ aud: 'orders' }) });
  assert.deepEqual(validate(single, { audience: 'orders' }).audience, ['orders']);
  assert.deepEqual(validate(single, { audience: ['backend', 'orders'] }).audience, ['orders']);
  refused(single, 'JWT_AUDIENCE', { audience: ['backend', 'order'] });
});

test('L37 an empty expected audience is a programming error', () => {
  const token = signToken(p256, 'ES256');
  for (const audience of ['', [], [AUDIENCE, '']]) assert.throws(() => validate(token, { audience }), TypeError);
});

test('L38 exp and nbf allow for the leeway and not more', () => {
  const token = signToken(p256, 'ES256', { claims: claimsWith({ nbf: seconds - 10 }) });
  const endMs = NOW_MS + 300_000;
  assert.equal(validate(token, { nowMs: endMs + 29_999 }).id.path, '/web');
  refused(token, 'EXPIRED', { nowMs: endMs + 30_000 });
  refused(token, 'EXPIRED', { nowMs: endMs, leewayMs: 0 });
  assert.equal(validate(token, { nowMs: endMs - 1, leewayMs: 0 }).id.path, '/web');
  assert.equal(validate(token, { nowMs: NOW_MS - 10_000, leewayMs: 0 }).id.path, '/web');
  refused(token, 'NOT_YET_VALID', { nowMs: NOW_MS - 10_001, leewayMs: 0 });
});

test('L38 T21 iat is never a reason to refuse', () => {
  for (const iat of [seconds + 100_000, 'yesterday', -5, undefined]) {
    assert.equal(validate(signToken(p256, 'ES256', { claims: claimsWith({ iat }) })).id.path, '/web');
  }
});

test('a clock or leeway that is no sane number is a programming error', () => {
  const token = signToken(p256, 'ES256');
  for (const options of [{ nowMs: Number.NaN }, { leewayMs: -1 }, { leewayMs: Number.NaN }, { leewayMs: 300_001 }]) {
    assert.throws(() => validate(token, options), TypeError);
  }
});

test('T15 no text makes the validator fail otherwise than with SpiffeTlsError', () => {
  const outcome = (token: string) => {
    try {
      validate(token);
      return 'accepted';
    } catch (error) {
      return error instanceof SpiffeTlsError ? 'refused' : error;
    }
  };
  const part = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constant(JSON.stringify(header)),
    fc.constant(JSON.stringify(claimsWith())),
  );
  const token = fc
    .tuple(part, part, fc.string())
    .map(([one, two, three]) => `${encode(one)}.${encode(two)}.${encode(three)}`);
  fc.assert(
    fc.property(fc.oneof(fc.string(), token), (text) => assert.equal(outcome(text), 'refused')),
    propertyRuns(500),
  );
});

test('T15 a token changed in any one character is refused', () => {
  const token = signToken(p256, 'ES256');
  const change = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...'ABCXYZabcxyz0189-_.=+/ é'.split('')));
  const property = fc.property(change, ([at, character]) => {
    fc.pre(token[at] !== character);
    assert.throws(() => validate(token.slice(0, at) + character + token.slice(at + 1)), SpiffeTlsError);
  });
  fc.assert(property, propertyRuns(500));
});
