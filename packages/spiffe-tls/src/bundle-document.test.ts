/**
 * What a bundle document says, which entries count, and that what is written is read again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestCa, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { createAuthorities, documentOf, x509EntryOf } from '../test/bundle-fixture.ts';
import { createJwtKey, jwtBundleOf } from '../test/jwt-fixture.ts';
import { createSpiffeBundle, equalBundles, marshalBundleDocument, parseBundleDocument } from './bundle-document.ts';
import { SpiffeTlsError } from './errors.ts';
import { JwtBundle, MAX_BUNDLE_BYTES } from './jwt-bundle.ts';
import { TrustDomain } from './trust-domain.ts';
import { X509Bundle } from './x509-bundle.ts';

const trustDomain = TrustDomain.parse('example.org');
const { ca, jwtKey, document } = await createAuthorities('example.org');
const parse = (bytes: Uint8Array) => parseBundleDocument(trustDomain, bytes);
const { use: _use, ...jwtWithoutUse } = jwtKey.jwk;
const { use: _use2, ...x509WithoutUse } = x509EntryOf(ca);

test('L70 L62 X.509 and JWT authorities are kept apart', () => {
  const bundle = parse(document());
  assert.deepEqual(
    bundle.x509.authorities.map(({ fingerprint256 }) => fingerprint256),
    [ca.certificate().fingerprint256],
  );
  assert.deepEqual(
    bundle.jwt.keys.map(({ keyId }) => keyId),
    [jwtKey.keyId],
  );
  assert.deepEqual([bundle.sequence, bundle.refreshHintMs, bundle.ignored], [undefined, undefined, []]);
});

test('L70 only the first certificate of x5c is an authority', async () => {
  const other = await createTestCa({ trustDomain: 'example.org' });
  const x5c = [ca, other].map(({ der }) => Buffer.from(der).toString('base64'));
  const bundle = parse(documentOf([x509EntryOf(ca, { x5c }), x509EntryOf(ca, { x5c: [x5c[0], 'no certificate'] })]));
  assert.deepEqual(
    bundle.x509.authorities.map(({ fingerprint256 }) => fingerprint256),
    [ca.certificate().fingerprint256],
  );
});

const der = Buffer.from(ca.der);
const ignored: ReadonlyArray<readonly [string, unknown]> = [
  ['L70 x509-svid without x5c', x509EntryOf(ca, { x5c: undefined })],
  ['L70 x509-svid with an empty x5c', x509EntryOf(ca, { x5c: [] })],
  ['L70 x5c that is a text', x509EntryOf(ca, { x5c: der.toString('base64') })],
  ['x5c in base64url', x509EntryOf(ca, { x5c: [`${der.toString('base64url')}_-`] })],
  ['x5c with line breaks', x509EntryOf(ca, { x5c: [`${der.toString('base64')}\n`] })],
  ['x5c that is no certificate', x509EntryOf(ca, { x5c: ['AAAA'] })],
  ['x5c with bytes after the certificate', x509EntryOf(ca, { x5c: [Buffer.concat([der, der]).toString('base64')] })],
  ['an unknown kty', x509EntryOf(ca, { kty: 'PQ' })],
  ['L40 T22 x509 without use', x509WithoutUse],
  ['L40 T22 JWT without use', jwtWithoutUse],
  ['T22 use wit-svid', { ...jwtKey.jwk, use: 'wit-svid' }],
  ['T22 use in capitals', { ...jwtKey.jwk, use: 'JWT-SVID' }],
  ['T20 a JWT key without kid', { ...jwtKey.jwk, kid: undefined }],
  ['no object', 'x'],
];

for (const [name, entry] of ignored) {
  test(`L39 ignores an entry with ${name}, and keeps the others`, () => {
    const bundle = parse(documentOf([entry, x509EntryOf(ca), jwtKey.jwk]));
    assert.equal(bundle.x509.authorities.length, 1);
    assert.equal(bundle.jwt.keys.length, 1);
    assert.deepEqual(
      bundle.ignored.map(({ index }) => index),
      [0],
    );
  });
}

test('L71 sequence is exact up to 2^64-1, the refresh hint is in seconds', () => {
  const text = `{"keys":[],"spiffe_sequence":18446744073709551615,"spiffe_refresh_hint":60}`;
  const bundle = parse(Buffer.from(text));
  assert.equal(bundle.sequence, 2n ** 64n - 1n);
  assert.equal(bundle.refreshHintMs, 60_000);
  assert.equal(parse(documentOf([], { spiffe_sequence: 0, spiffe_refresh_hint: 0 })).sequence, 0n);
});

const refusals: ReadonlyArray<readonly [string, string | Uint8Array]> = [
  ['L71 a sequence of 2^64', '{"keys":[],"spiffe_sequence":18446744073709551616}'],
  ['L71 a negative sequence', '{"keys":[],"spiffe_sequence":-1}'],
  ['L71 a sequence that is a text', '{"keys":[],"spiffe_sequence":"1"}'],
  ['L71 a sequence with a fraction', '{"keys":[],"spiffe_sequence":1.5}'],
  ['L71 a sequence that lost its digits', '{"keys":[],"spiffe_sequence":1e30}'],
  ['L71 a negative refresh hint', '{"keys":[],"spiffe_refresh_hint":-1}'],
  ['L71 a refresh hint that is a text', '{"keys":[],"spiffe_refresh_hint":"300"}'],
  ['L70 no keys', '{}'],
  ['L70 keys that are no list', '{"keys":{"0":{}}}'],
  ['two sequences', '{"keys":[],"spiffe_sequence":1,"spiffe_sequence":2}'],
  ['HTML', '<!doctype html>'],
  ['nothing', ''],
  ['more than 1 MiB', Buffer.alloc(MAX_BUNDLE_BYTES + 1, ' ')],
];

for (const [name, bytes] of refusals) {
  test(`refuses a document with ${name}`, () => {
    assert.throws(() => parse(Buffer.from(bytes)), { code: 'INVALID_BUNDLE', message: /"example\.org"/ });
  });
}

test('L72 X.509 entries have no kid and one certificate each, JWT entries have a kid; both have their key', async () => {
  const rsaCa = await createTestCa({ trustDomain: 'example.org', keyType: 'rsa-2048' });
  const x509 = new X509Bundle(trustDomain, [ca.certificate(), rsaCa.certificate()]);
  const jwt = jwtBundleOf('example.org', jwtKey, { ...createJwtKey('RSA', 'r').jwk, alg: 'PS256' });
  const written: unknown = JSON.parse(
    marshalBundleDocument(createSpiffeBundle({ trustDomain, x509, jwt, sequence: 7n })),
  );
  const { keys, ...rest } = written as { keys: Array<Record<string, unknown>> };
  assert.deepEqual(rest, { spiffe_sequence: 7 });
  assert.deepEqual(
    keys.map((key) => Object.keys(key).join(' ')),
    ['kty crv x y use x5c', 'kty n e use x5c', 'kty crv x y use kid', 'kty n e use kid alg'],
  );
  assert.deepEqual(keys[0]?.['x5c'], [der.toString('base64')]);
});

test('L72 a kid stands once, and a bundle holds no authority of another trust domain', () => {
  const twice = jwtBundleOf('example.org', jwtKey, jwtKey);
  assert.throws(() => marshalBundleDocument(createSpiffeBundle({ trustDomain, jwt: twice })), {
    code: 'INVALID_BUNDLE',
  });
  for (const foreign of [
    { x509: new X509Bundle(TrustDomain.parse('b'), []) },
    { jwt: new JwtBundle(TrustDomain.parse('b'), []) },
  ]) {
    assert.throws(() => createSpiffeBundle({ trustDomain, ...foreign }), { code: 'INVALID_BUNDLE' });
  }
  for (const sequence of [-1n, 2n ** 64n]) {
    assert.throws(() => marshalBundleDocument(createSpiffeBundle({ trustDomain, sequence })), {
      code: 'INVALID_BUNDLE',
    });
  }
});

test('T15 L72 a CA whose key is no point of its curve is read, signs nothing, and is refused when it should be written', () => {
  const broken = Buffer.from(ca.der);
  const at = broken.indexOf(Buffer.from('2a8648ce3d030107', 'hex')) + 20;
  broken[at] = (broken[at] ?? 0) ^ 1;
  const bundle = parse(documentOf([x509EntryOf(ca, { x5c: [broken.toString('base64')] })]));
  assert.equal(bundle.x509.authorities.length, 1);
  assert.throws(() => marshalBundleDocument(bundle), { code: 'INVALID_BUNDLE', got: '"one that is no key"' });
});

test('L72 what is written is read again the same', () => {
  const full = parse(document());
  const sequence = fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined });
  const hint = fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined });
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), sequence, hint, (withX509, withJwt, number, seconds) => {
      const bundle = createSpiffeBundle({
        trustDomain,
        ...(withX509 && { x509: full.x509 }),
        ...(withJwt && { jwt: full.jwt }),
        ...(number !== undefined && { sequence: number }),
        ...(seconds !== undefined && { refreshHintMs: seconds * 1000 }),
      });
      assert.ok(equalBundles(parse(Buffer.from(marshalBundleDocument(bundle))), bundle));
    }),
    propertyRuns(100),
  );
});

test('T15 no document makes the reader fail otherwise than with SpiffeTlsError, nor trust anything', () => {
  const names = fc.constantFrom('kty', 'kid', 'use', 'x5c', 'crv', 'x', 'y', 'n', 'e', '__proto__');
  const values = fc.oneof(
    fc.constantFrom('EC', 'RSA', 'x509-svid', 'jwt-svid', 'P-256', 'AAAA', ['AAAA']),
    fc.jsonValue(),
  );
  const members = fc.dictionary(fc.constantFrom('spiffe_sequence', 'spiffe_refresh_hint', 'x'), fc.jsonValue());
  const made = fc
    .tuple(fc.array(fc.dictionary(names, values)), members)
    .map(([keys, rest]) => JSON.stringify({ ...rest, keys }));
  fc.assert(
    fc.property(fc.oneof(made, fc.json(), fc.string()), (text) => {
      try {
        const bundle = parse(Buffer.from(text));
        assert.deepEqual([bundle.x509.authorities, bundle.jwt.keys], [[], []]);
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError, String(error));
      }
    }),
    propertyRuns(500),
  );
});
