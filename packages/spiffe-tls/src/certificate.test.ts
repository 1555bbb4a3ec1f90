import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import {
  createTestCa,
  ExtensionId,
  elementsOf,
  extension,
  KeyPurpose,
  KeyUsageFlags,
  oid,
  propertyRuns,
  rewriteCertificate,
  sequence,
  tlv,
} from '@countersign/testkit';
import fc from 'fast-check';
import { clearCertificateCache, parseCertificate, splitCertificates } from './certificate.ts';
import { SpiffeTlsError } from './errors.ts';
import { toPem } from './pem.ts';

/** Refused by our own reader: an error of node:crypto's would be the cause. */
const malformed = (error: unknown): boolean =>
  error instanceof SpiffeTlsError && error.code === 'CERTIFICATE_MALFORMED' && error.cause === undefined;
const ca = await createTestCa({ trustDomain: 'example.org' });
const good = await ca.issue({ path: '/ns/a/sa/b', dnsNames: ['b.example.org', 'other.example.org'] });

test('certificate: the facts of a leaf equal what node:crypto reads', () => {
  const facts = parseCertificate(good.der);
  const x509 = new X509Certificate(good.der);
  assert.equal(facts.fingerprint256, x509.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.equal(facts.serialNumber, x509.serialNumber);
  assert.equal(facts.notBeforeMs, Date.parse(x509.validFrom));
  assert.equal(facts.notAfterMs, Date.parse(x509.validTo));
  assert.equal(facts.isCa, x509.ca);
  assert.deepEqual(facts.uriSans, ['spiffe://example.org/ns/a/sa/b']);
  assert.deepEqual(facts.dnsSans, ['b.example.org', 'other.example.org']);
  assert.deepEqual(facts.extendedKeyUsage, x509.keyUsage);
  assert.deepEqual([...(facts.keyUsage ?? [])], ['digitalSignature']);
  assert.equal(facts.keyUsageCritical, true);
  assert.equal(facts.issuerKey, ca.certificate().subjectKey);
  assert.equal(facts.authorityKeyId, ca.certificate().subjectKeyId);
  assert.equal(facts.weakKey, undefined);
  assert.equal(facts.weakSignature, undefined);
});

test('certificate: the facts of a CA', async () => {
  const limited = await createTestCa({
    trustDomain: 'example.org',
    pathLength: 3,
    nameConstraints: { permittedUri: ['example.org'], excludedDns: ['example.com'] },
    unknownCritical: '1.2.3.4',
  });
  const facts = limited.certificate();
  assert.equal(facts.isCa, true);
  assert.equal(facts.pathLength, 3);
  assert.deepEqual([...(facts.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
  assert.deepEqual(facts.nameConstraints?.permitted, [{ form: 6, text: 'example.org' }]);
  assert.deepEqual(facts.nameConstraints?.excluded, [{ form: 2, text: 'example.com' }]);
  assert.deepEqual(facts.unknownCritical, ['1.2.3.4']);
});

test('certificate: equal bytes give the same facts, from a private copy', () => {
  clearCertificateCache();
  const bytes = Uint8Array.from(good.der);
  const facts = parseCertificate(bytes);
  assert.equal(parseCertificate(good.der), facts);
  bytes.fill(0);
  assert.deepEqual(Buffer.from(facts.der), Buffer.from(good.der));
  clearCertificateCache();
  assert.notEqual(parseCertificate(good.der), facts);
});

test('T16 certificate: large ones are read but not kept, because anyone may send them', async () => {
  const { der } = await ca.issue({
    dnsNames: Array.from({ length: 600 }, (_, i) => `${'a'.repeat(30)}.${i}.example.org`),
  });
  assert.ok(der.length > 16 * 1024);
  assert.notEqual(parseCertificate(der), parseCertificate(der));
});

/** The trust in node:crypto that this guards against: it would check the signature of the certificate inside. */
test('certificate: refuses one that carries another as PEM text, which node:crypto would read instead', async () => {
  const forger = await createTestCa({ trustDomain: 'example.org', name: ca.name });
  const smuggled = Buffer.from(`\n${toPem('CERTIFICATE', good.der)}`);
  const forged = await forger.issue({
    path: '/admin',
    rewrite: { extensions: (list) => [...list, extension('1.2.3.4', false, smuggled)] },
  });
  assert.equal(
    new X509Certificate(forged.der).verify(ca.certificate().x509.publicKey),
    true,
    'node reads the inner one',
  );
  assert.throws(() => parseCertificate(forged.der), malformed);
});

const uri = (text: string): Uint8Array => tlv(0x86, Buffer.from(text));
const id = 'spiffe://example.org/a';

const malformedExtensions = [
  ['T17 an empty KU', ExtensionId.keyUsage, new Uint8Array()],
  ['T17 a KU that is no bit string', ExtensionId.keyUsage, tlv(0x04, Buffer.from([0x80]))],
  ['T17 a KU without a bit set', ExtensionId.keyUsage, tlv(0x03, Buffer.from([7, 0]))],
  [
    'T17 a KU with trailing bytes',
    ExtensionId.keyUsage,
    Buffer.concat([tlv(0x03, Buffer.from([7, 0x80])), Buffer.from([0])]),
  ],
  ['T17 a KU with set padding bits', ExtensionId.keyUsage, tlv(0x03, Buffer.from([7, 0xff]))],
  ['T17 an empty BC value', ExtensionId.basicConstraints, new Uint8Array()],
  ['T17 a BC that is no sequence', ExtensionId.basicConstraints, tlv(0x01, Buffer.from([0xff]))],
  ['T17 a BC with a BER boolean', ExtensionId.basicConstraints, sequence(tlv(0x01, Buffer.from([1])))],
  ['T17 a BC with an explicit default', ExtensionId.basicConstraints, sequence(tlv(0x01, Buffer.from([0])))],
  ['T17 a pathLen without cA', ExtensionId.basicConstraints, sequence(tlv(0x02, Buffer.from([1])))],
  [
    'T17 a negative pathLen',
    ExtensionId.basicConstraints,
    sequence(tlv(0x01, Buffer.from([255])), tlv(0x02, Buffer.from([255]))),
  ],
  ['T17 a BC with something after', ExtensionId.basicConstraints, sequence(tlv(0x05))],
  ['T17 an empty EKU', ExtensionId.extendedKeyUsage, sequence()],
  ['T17 an EKU that is no sequence', ExtensionId.extendedKeyUsage, oid(KeyPurpose.clientAuth)],
  [
    'T17 an EKU with something else in it',
    ExtensionId.extendedKeyUsage,
    sequence(oid(KeyPurpose.clientAuth), tlv(0x05)),
  ],
  ['T17 an empty SAN', ExtensionId.subjectAltName, sequence()],
  ['T17 a SAN with a tag of no name', ExtensionId.subjectAltName, sequence(uri(id), tlv(0x89, Buffer.from('x')))],
  ['T17 a SAN with a universal tag', ExtensionId.subjectAltName, sequence(tlv(0x16, Buffer.from(id)))],
  ['T17 a SAN with a constructed URI', ExtensionId.subjectAltName, sequence(tlv(0xa6, uri(id)))],
  [
    'T17 a SAN with bytes that are not ASCII',
    ExtensionId.subjectAltName,
    sequence(tlv(0x86, Buffer.from('spiffe://é/a'))),
  ],
  ['T17 a SAN cut short', ExtensionId.subjectAltName, sequence(uri(id)).subarray(0, -1)],
  ['T17 empty name constraints', ExtensionId.nameConstraints, sequence()],
  ['T17 name constraints with an empty list', ExtensionId.nameConstraints, sequence(tlv(0xa0))],
  [
    'T17 a subtree with a minimum',
    ExtensionId.nameConstraints,
    sequence(tlv(0xa0, sequence(uri('a'), tlv(0x80, Buffer.from([1]))))),
  ],
  ['T17 a malformed key identifier', ExtensionId.subjectKeyId, tlv(0x05)],
  ['T17 a malformed issuer key identifier', ExtensionId.authorityKeyId, sequence(tlv(0x05))],
] as const;

for (const [name, extensionId, value] of malformedExtensions) {
  test(`certificate: refuses ${name}`, async () => {
    const { der } = await ca.issue({ rawExtensions: { [extensionId]: value } });
    assert.throws(() => parseCertificate(der), malformed);
  });
}

for (const [name, extensionId] of Object.entries(ExtensionId).filter(([name]) => name !== 'nameConstraints')) {
  test(`certificate: refuses T17 a duplicate ${name}`, async () => {
    const { der } = await ca.issue({ duplicateExtension: extensionId });
    assert.throws(() => parseCertificate(der), /must not appear twice/);
  });
}

test('certificate: refuses T17 two different SANs and two unknown extensions of one kind', async () => {
  const second = extension(ExtensionId.subjectAltName, false, sequence(uri('spiffe://example.org/admin')));
  const unknown = extension('1.2.3.4', false, tlv(0x05));
  for (const added of [[second], [unknown, unknown]]) {
    const { der } = await ca.issue({ rewrite: { extensions: (list) => [...list, ...added] } });
    assert.throws(() => parseCertificate(der), /must not appear twice/);
  }
});

const rewritten = (tbs: (parts: Uint8Array[]) => readonly Uint8Array[]): Uint8Array =>
  rewriteCertificate(good.der, ca.keys.privateKey, { tbs });
const replace = (index: number, part: Uint8Array) => (parts: Uint8Array[]) => parts.with(index, part);

const malformedFields = [
  ['T15 version 2 with extensions', () => rewritten(replace(0, tlv(0xa0, tlv(0x02, Buffer.from([1])))))],
  ['T15 version 4', () => rewritten(replace(0, tlv(0xa0, tlv(0x02, Buffer.from([3])))))],
  ['T15 version 1 spelled out', () => rewritten(replace(0, tlv(0xa0, tlv(0x02, Buffer.from([0])))))],
  ['T15 a negative serial number', () => rewritten(replace(1, tlv(0x02, Buffer.from([0x80]))))],
  ['T15 a serial number of 22 bytes', () => rewritten(replace(1, tlv(0x02, Buffer.alloc(22, 1))))],
  ['T15 another signature algorithm inside', () => rewritten(replace(2, sequence(oid('1.2.840.10045.4.3.3'))))],
  ['T15 no validity', () => rewritten(replace(4, sequence()))],
  ['T15 a missing key', () => rewritten((parts) => parts.toSpliced(6, 1))],
  ['T15 something after the extensions', () => rewritten((parts) => [...parts, tlv(0x05)])],
  ['T15 an empty list of extensions', () => rewritten((parts) => parts.with(7, tlv(0xa3, sequence())))],
  [
    'T15 something beside the list of extensions',
    () => rewritten((parts) => parts.with(7, tlv(0xa3, ...elementsOf(parts[7] ?? good.der), tlv(0x05)))),
  ],
  ['T15 an empty tbsCertificate', () => rewritten(() => [])],
  ['T15 no signature', () => sequence(...elementsOf(good.der).slice(0, 2))],
  ['T15 something after the signature', () => sequence(...elementsOf(good.der), tlv(0x05))],
  ['T15 one trailing byte', () => Buffer.concat([good.der, Buffer.from([0])])],
  ['T15 two certificates', () => Buffer.concat([good.der, ca.der])],
  ['T15 no bytes', () => new Uint8Array()],
  ['T15 PEM in place of DER', () => Buffer.from(toPem('CERTIFICATE', good.der))],
  [
    'T15 an indefinite length',
    () => Buffer.concat([Buffer.from([0x30, 0x80]), ...elementsOf(good.der), Buffer.alloc(2)]),
  ],
] as const;

for (const [name, make] of malformedFields) {
  test(`certificate: refuses ${name}`, () => assert.throws(() => parseCertificate(make()), malformed));
}

test('T16 certificate: refuses more than 64 KiB before reading it', () => {
  assert.throws(() => parseCertificate(Buffer.alloc(64 * 1024 + 1, 0x30)), { code: 'CERTIFICATE_TOO_LARGE' });
});

test('T15 certificate: every cut of a certificate is refused', () => {
  for (let length = 0; length < good.der.length; length++) {
    assert.throws(() => parseCertificate(good.der.subarray(0, length)), malformed, `${length} bytes`);
  }
});

test('L21 split: concatenated certificates come apart exactly', () => {
  const parts = splitCertificates(Buffer.concat([good.der, ca.der]));
  assert.deepEqual(
    parts.map((der) => Buffer.from(der)),
    [Buffer.from(good.der), Buffer.from(ca.der)],
  );
  assert.deepEqual(splitCertificates(new Uint8Array()), []);
});

for (const [name, tail] of [
  ['padding', [0, 0]],
  ['another element', [5, 0]],
  ['half a certificate', [0x30, 0x82]],
] as const) {
  test(`L21 T15 split: refuses ${name} after the last certificate`, () => {
    assert.throws(() => splitCertificates(Buffer.concat([good.der, Buffer.from(tail)])), malformed);
  });
}

test('T15 property: a certificate with bytes changed is read or refused with a code, never anything else', () => {
  const change = fc.tuple(fc.nat(good.der.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const der = Uint8Array.from(good.der);
      for (const [index, value] of changes) der[index] = value;
      try {
        const facts = parseCertificate(der);
        assert.equal(Buffer.compare(facts.x509.raw, der), 0);
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError, `${error}`);
        assert.equal(error.code, 'CERTIFICATE_MALFORMED');
      }
    }),
    propertyRuns(2000),
  );
});

test('certificate: reads several key usages', async () => {
  const { der } = await ca.issue({ keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyAgreement });
  assert.deepEqual([...(parseCertificate(der).keyUsage ?? [])], ['digitalSignature', 'keyAgreement']);
});
