import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestCa } from '@countersign/testkit';
import { parseCertificate } from './certificate.ts';
import { toPem } from './pem.ts';
import { TrustDomain } from './trust-domain.ts';
import { X509Bundle, X509BundleSet } from './x509-bundle.ts';

const trustDomain = TrustDomain.parse('example.org');
const other = TrustDomain.parse('other.example');
const [first, second] = await Promise.all([createTestCa({ trustDomain }), createTestCa({ trustDomain })]);
const both = X509Bundle.fromDer(trustDomain, Buffer.concat([first.der, second.der]));

test('L19 bundle: holds several CAs, by DER and by PEM, each once', () => {
  assert.deepEqual(both.authorities, [parseCertificate(first.der), parseCertificate(second.der)]);
  const repeated = X509Bundle.fromDer(trustDomain, Buffer.concat([first.der, second.der, first.der]));
  assert.equal(repeated.authorities.length, 2);
  assert.ok(X509Bundle.fromPem(trustDomain, `# roots\n${both.toPem()}`).equals(both));
});

test('L22 bundle: no bytes and no blocks give the empty bundle', () => {
  assert.equal(X509Bundle.fromDer(trustDomain, new Uint8Array()).authorities.length, 0);
  assert.equal(X509Bundle.fromPem(trustDomain, '').authorities.length, 0);
});

const broken = [
  ['padding', () => X509Bundle.fromDer(trustDomain, Buffer.concat([first.der, Buffer.from([0])]))],
  [
    'a malformed certificate among good ones',
    () => X509Bundle.fromDer(trustDomain, Buffer.concat([first.der, Buffer.from('3000', 'hex')])),
  ],
  ['a certificate cut short', () => X509Bundle.fromDer(trustDomain, first.der.subarray(0, -1))],
  ['PEM where DER belongs', () => X509Bundle.fromDer(trustDomain, Buffer.from(first.pem))],
  ['a PEM block cut short', () => X509Bundle.fromPem(trustDomain, first.pem.slice(0, -10))],
  ['a private key', () => X509Bundle.fromPem(trustDomain, first.pem + toPem('PRIVATE KEY', first.keys.keyDer))],
  ['a certificate under another label', () => X509Bundle.fromPem(trustDomain, toPem('TRUSTED CERTIFICATE', first.der))],
  [
    'two certificates in one PEM block',
    () => X509Bundle.fromPem(trustDomain, toPem('CERTIFICATE', Buffer.concat([first.der, second.der]))),
  ],
] as const;

for (const [name, read] of broken) {
  test(`T15 bundle: refuses ${name}`, () => assert.throws(read, { code: 'INVALID_BUNDLE' }));
}

test('bundle: equal whatever the order, unequal by one certificate or by trust domain', () => {
  assert.ok(both.equals(X509Bundle.fromDer(trustDomain, Buffer.concat([second.der, first.der]))));
  assert.ok(!both.equals(first.bundle()));
  assert.ok(!first.bundle().equals(both));
  assert.ok(!first.bundle().equals(second.bundle()));
  assert.ok(!first.bundle().equals(X509Bundle.fromDer(other, first.der)));
});

test('L56 bundle: the former one stands for its very bytes, and for nothing else', () => {
  const reversed = Buffer.concat([second.der, first.der]);
  const altered = Buffer.concat([first.der, second.der]);
  altered.writeUInt8(altered.readUInt8(altered.length - 1) ^ 1, altered.length - 1);
  const same = Buffer.concat([first.der, second.der]);
  assert.equal(X509Bundle.fromDer(trustDomain, same, both), both);
  const none = X509Bundle.fromDer(trustDomain, new Uint8Array());
  const others: Array<[name: string, domain: TrustDomain, der: Uint8Array, former: X509Bundle]> = [
    ['a certificate less', trustDomain, first.der, both],
    ['a certificate more', trustDomain, same, first.bundle()],
    ['another order', trustDomain, reversed, both],
    ['another signature', trustDomain, altered, both],
    ['another trust domain', other, same, both],
    ['nothing where there was something', trustDomain, new Uint8Array(), both],
    ['something where there was nothing', trustDomain, same, none],
  ];
  for (const [name, domain, der, former] of others) {
    const read = X509Bundle.fromDer(domain, der, former);
    assert.notEqual(read, former, name);
    assert.ok(read.equals(X509Bundle.fromDer(domain, der)), name);
  }
  assert.throws(() => X509Bundle.fromDer(trustDomain, Buffer.concat([same, Buffer.from([0])]), both), {
    code: 'INVALID_BUNDLE',
  });
  assert.throws(() => X509Bundle.fromDer(trustDomain, same.subarray(0, -1), both), { code: 'INVALID_BUNDLE' });
});

test('bundle: cannot be changed', () => {
  assert.throws(() => Object.assign(both, { authorities: [] }), TypeError);
  assert.throws(() => Reflect.apply(Array.prototype.push, both.authorities, [first.certificate()]), TypeError);
});

test('L17 bundle set: finds by trust domain, and only by it', () => {
  const set = X509BundleSet.of(both);
  assert.equal(set.get(TrustDomain.parse('example.org')), both);
  assert.equal(set.get(other), undefined);
  assert.deepEqual(set.trustDomains().map(String), ['example.org']);
});

test('L17 bundle set: never merges two bundles of one trust domain', () => {
  assert.throws(() => X509BundleSet.of(first.bundle(), second.bundle()), { code: 'INVALID_BUNDLE' });
});

test('bundle set: equal whatever the order', () => {
  const foreign = X509Bundle.fromDer(other, second.der);
  assert.ok(X509BundleSet.of(both, foreign).equals(X509BundleSet.of(foreign, both)));
  assert.ok(!X509BundleSet.of(both, foreign).equals(X509BundleSet.of(both)));
  assert.ok(!X509BundleSet.of(both).equals(X509BundleSet.of(both, foreign)));
  assert.ok(!X509BundleSet.of(foreign).equals(X509BundleSet.of(both)));
});
