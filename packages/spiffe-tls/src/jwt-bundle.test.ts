/**
 * Which entries of a JWKS count, and which documents are none.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { createJwtKey, jwksOf, jwtBundleOf } from '../test/jwt-fixture.ts';
import { SpiffeTlsError } from './errors.ts';
import { JwtBundle, JwtBundleSet, MAX_BUNDLE_BYTES } from './jwt-bundle.ts';
import { TrustDomain } from './trust-domain.ts';

const trustDomain = TrustDomain.parse('example.org');
const good = createJwtKey('P-256', 'good');
const rsa = createJwtKey('RSA', 'rsa');
const { use: _use, ...withoutUse } = good.jwk;
const { kid: _kid, ...withoutKid } = good.jwk;

const ignored: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>]> = [
  ['an unknown kty', { kty: 'oct-new', kid: 'x', use: 'jwt-svid' }],
  ['OKP', { ...createJwtKey('Ed25519', 'ed').jwk }],
  ['T22 use x509-svid', { ...good.jwk, use: 'x509-svid' }],
  ['T22 use wit-svid', { ...good.jwk, use: 'wit-svid' }],
  ['T22 use sig', { ...good.jwk, use: 'sig' }],
  ['T22 use null', { ...good.jwk, use: null }],
  ['T20 no kid', withoutKid],
  ['an empty kid', { ...good.jwk, kid: '' }],
  ['a long kid', { ...good.jwk, kid: 'k'.repeat(1025) }],
  ['curve secp256k1', { ...createJwtKey('secp256k1', 'k').jwk }],
  ['coordinates of another curve', { ...createJwtKey('P-384', 'k').jwk, crv: 'P-256' }],
  ['a point that is not on the curve', { ...good.jwk, y: good.jwk['x'] }],
  ['padding in a coordinate', { ...good.jwk, x: `${good.jwk['x']}=` }],
  ['a private key', { ...good.jwk, d: good.jwk['x'] }],
  ['RSA 1024', { ...createJwtKey('RSA-1024', 'weak').jwk }],
  ['RSA of 16 KiB', { ...rsa.jwk, n: Buffer.alloc(2048, 0xff).toString('base64url') }],
  ['RSA exponent 1', { ...rsa.jwk, e: 'AQ' }],
  ['RSA exponent even', { ...rsa.jwk, e: 'AQAA' }],
  ['RSA exponent of 8 bytes', { ...rsa.jwk, e: Buffer.alloc(8, 0xff).toString('base64url') }],
  ['RSA without n', { kty: 'RSA', e: 'AQAB', kid: 'x', use: 'jwt-svid' }],
  ['alg EdDSA', { ...good.jwk, alg: 'EdDSA' }],
];

for (const [name, entry] of ignored) {
  test(`L39 ignores an entry with ${name}, and keeps the others`, () => {
    const bundle = JwtBundle.fromJwks(trustDomain, jwksOf(entry, good));
    assert.deepEqual(
      bundle.keys.map(({ keyId }) => keyId),
      ['good'],
    );
    assert.deepEqual(
      bundle.ignored.map(({ index }) => index),
      [0],
    );
  });
}

test('L39 ignores entries that are no objects', () => {
  const bundle = JwtBundle.fromJwks(trustDomain, Buffer.from('{"keys":[1,null,"x",[],{}]}'));
  assert.equal(bundle.keys.length, 0);
  assert.equal(bundle.ignored.length, 5);
});

test('L40 T22 in the Workload API a missing use counts as jwt-svid', () => {
  assert.equal(JwtBundle.fromJwks(trustDomain, jwksOf(withoutUse)).keys[0]?.kind, 'P-256');
});

test('L39 empty keys are a bundle that trusts nobody', () => {
  assert.deepEqual(JwtBundle.fromJwks(trustDomain, jwksOf()).keys, []);
});

const refusals: ReadonlyArray<readonly [string, Uint8Array]> = [
  ['no bytes', Buffer.alloc(0)],
  ['no keys', Buffer.from('{}')],
  ['keys that are no list', Buffer.from('{"keys":{}}')],
  ['a list', Buffer.from('[]')],
  ['HTML', Buffer.from('<html>')],
  ['keys twice', Buffer.from('{"keys":[],"keys":[]}')],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
  ['a byte order mark', Buffer.from('\ufeff{"keys":[]}')],
  ['more than 512 keys', jwksOf(...Array.from({ length: 513 }, () => ({})))],
  ['more than 1 MiB', Buffer.alloc(MAX_BUNDLE_BYTES + 1, ' ')],
];

for (const [name, document] of refusals) {
  test(`L39 refuses ${name}`, () => {
    assert.throws(() => JwtBundle.fromJwks(trustDomain, document), { code: 'INVALID_BUNDLE' });
  });
}

test('a set holds one bundle for each trust domain', () => {
  const own = jwtBundleOf('example.org', good);
  const partner = jwtBundleOf('partner.example', rsa);
  const set = JwtBundleSet.of(own, partner);
  assert.equal(set.get(trustDomain), own);
  assert.equal(set.get(TrustDomain.parse('other.example')), undefined);
  assert.deepEqual(set.trustDomains().map(String), ['example.org', 'partner.example']);
  assert.throws(() => JwtBundleSet.of(own, own), { code: 'INVALID_BUNDLE' });
});

test('bundles are equal when they hold the same keys under the same names', () => {
  const one = jwtBundleOf('example.org', good, rsa);
  assert.equal(one.equals(jwtBundleOf('example.org', rsa, good)), true);
  assert.equal(one.equals(jwtBundleOf('example.org', good)), false);
  assert.equal(one.equals(jwtBundleOf('partner.example', good, rsa)), false);
  assert.equal(one.equals(jwtBundleOf('example.org', { ...good.jwk, kid: 'renamed' }, rsa)), false);
  assert.equal(one.equals(jwtBundleOf('example.org', { ...good.jwk, alg: 'ES256' }, rsa)), false);
  assert.equal(JwtBundleSet.of(one).equals(JwtBundleSet.of(jwtBundleOf('example.org', rsa, good))), true);
  assert.equal(JwtBundleSet.of(one).equals(JwtBundleSet.of()), false);
});

test('T15 no document makes the reader fail otherwise than with SpiffeTlsError', () => {
  const entry = fc.dictionary(
    fc.constantFrom('kty', 'kid', 'use', 'crv', 'x', 'y', 'n', 'e', 'alg', 'd', '__proto__'),
    fc.oneof(fc.constantFrom('RSA', 'EC', 'P-256', 'jwt-svid', 'AQAB', 'AA'), fc.jsonValue()),
  );
  const document = fc.oneof(
    fc.json(),
    fc.string(),
    fc.array(entry).map((keys) => JSON.stringify({ keys })),
  );
  fc.assert(
    fc.property(document, (text) => {
      try {
        assert.deepEqual(JwtBundle.fromJwks(trustDomain, Buffer.from(text)).keys, []);
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError);
      }
    }),
    propertyRuns(500),
  );
});
