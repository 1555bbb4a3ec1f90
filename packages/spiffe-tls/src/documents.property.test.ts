/**
 * Properties of JWKS, bundle documents, bundle maps and tokens: what is near a good one trusts nothing that the good one did
 * not, and what is written is read again the same.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { nearText, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import { createAuthorities } from '../test/bundle-fixture.ts';
import { AUDIENCE, claimsWith, createJwtKey, encode, jwksOf, NOW_MS, signToken } from '../test/jwt-fixture.ts';
import { equalBundles, marshalBundleDocument, parseBundleDocument } from './bundle-document.ts';
import { BundleMap } from './bundle-map.ts';
import type { SpiffeTlsErrorCode } from './errors.ts';
import { JwtBundle, JwtBundleSet, type JwtKey } from './jwt-bundle.ts';
import { validateJwtSvid } from './jwt-svid.ts';
import { decodeJwt } from './jwt-token.ts';
import { TrustDomain } from './trust-domain.ts';

const trustDomain = TrustDomain.parse('example.org');
const p256 = createJwtKey('P-256');
const rsa = createJwtKey('RSA');
const p384 = createJwtKey('P-384');
const authorities = await createAuthorities('example.org');
const JSON_LETTERS = '{}[]",:\\u09aeE.+- \n\0éAZ_=';

const document = authorities.document({ spiffe_sequence: 7, spiffe_refresh_hint: 300 }).toString();
const jwks = jwksOf(p256, rsa, p384).toString();
const map = `{"trust_domains":{"example.org":${document},"partner.example":${jwks}}}`;

function fingerprint({ publicKey }: JwtKey): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

const curveKeys = new Set(
  [p256, p384].map((key) => JwtBundle.fromJwks(trustDomain, jwksOf(key)).keys.map(fingerprint).join()),
);

test('T15 property: a text near a JWKS holds no elliptic-curve key that the JWKS did not', () => {
  fc.assert(
    fc.property(nearText(JSON_LETTERS, jwks, '{"keys":[]}'), (text) => {
      const bundle = attempt(['INVALID_BUNDLE'], () => JwtBundle.fromJwks(trustDomain, Buffer.from(text)));
      for (const key of bundle?.keys ?? []) {
        // Most numbers are no point of their curve; almost any number is a modulus.
        assert.ok(key.kind === 'RSA' || curveKeys.has(fingerprint(key)));
        assert.ok(key.keyId.length > 0);
      }
    }),
    propertyRuns(1000),
  );
});

test('T15 L72 property: a text near a bundle document is read, and read again when it is written, or is refused', () => {
  fc.assert(
    fc.property(nearText(JSON_LETTERS, document, jwks), (text) => {
      const bundle = attempt(['INVALID_BUNDLE'], () => parseBundleDocument(trustDomain, Buffer.from(text)));
      if (bundle === undefined) return;
      assert.ok(bundle.x509.authorities.length <= 1);
      const written = attempt(['INVALID_BUNDLE'], () => marshalBundleDocument(bundle));
      // Two keys of one kid can be read and not be written.
      if (written !== undefined)
        assert.ok(equalBundles(parseBundleDocument(trustDomain, Buffer.from(written)), bundle));
    }),
    propertyRuns(1000),
  );
});

test('T15 L73 property: a text near a bundle map keeps its trust domains apart, or is refused', () => {
  fc.assert(
    fc.property(nearText(JSON_LETTERS, map), (text) => {
      const read = attempt(['INVALID_BUNDLE'], () => BundleMap.parse(Buffer.from(text)));
      for (const name of read?.trustDomains() ?? []) {
        assert.ok(read?.x509.get(name)?.trustDomain.equals(name) && read.jwt.get(name)?.trustDomain.equals(name));
      }
    }),
    propertyRuns(600),
  );
});

const bundles = JwtBundleSet.of(JwtBundle.fromJwks(trustDomain, jwksOf(p256, rsa, p384)));
const REFUSED: readonly SpiffeTlsErrorCode[] = [
  'JWT_MALFORMED',
  'JWT_ALGORITHM',
  'JWT_HEADER',
  'JWT_CLAIM',
  'JWT_KEY_UNKNOWN',
  'JWT_SIGNATURE',
  'JWT_AUDIENCE',
  'NO_BUNDLE',
  'EXPIRED',
  'NOT_YET_VALID',
];

test('T15 property: a text near a JWT-SVID is that JWT-SVID, or is refused', () => {
  const tokens = [signToken(p256, 'ES256'), signToken(rsa, 'RS256'), signToken(rsa, 'PS256')] as const;
  fc.assert(
    fc.property(nearText('ABZabz019-_.=+/ é', ...tokens), (text) => {
      const svid = attempt(REFUSED, () => validateJwtSvid(text, { audience: AUDIENCE, bundles, nowMs: NOW_MS }));
      if (svid !== undefined) assert.ok(tokens.some((token) => token === text));
    }),
    propertyRuns(1000),
  );
});

test('T15 property: header and payload near good ones are read as JSON says, or are refused', () => {
  const header = nearText(JSON_LETTERS, '{"alg":"ES256","kid":"a","typ":"JWT"}', '{"alg":"RS512"}');
  const payload = nearText(JSON_LETTERS, JSON.stringify(claimsWith({ nbf: 1 })));
  const codes = ['JWT_MALFORMED', 'JWT_ALGORITHM', 'JWT_HEADER', 'JWT_CLAIM'] as const;
  fc.assert(
    fc.property(header, payload, (one, two) => {
      const decoded = attempt(codes, () => decodeJwt(`${encode(one)}.${encode(two)}.AAAA`));
      if (decoded === undefined) return;
      const claims = JSON.parse(two);
      assert.deepEqual(
        [decoded.alg, decoded.keyId, decoded.id.toString(), decoded.audience, decoded.expiresAtMs],
        [JSON.parse(one).alg, JSON.parse(one).kid, claims.sub, [claims.aud].flat(), claims.exp * 1000],
      );
    }),
    propertyRuns(1500),
  );
});
