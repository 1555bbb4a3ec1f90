// @peculiar/x509 needs it loaded first.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { before, test } from 'node:test';
import {
  parseCertificate,
  parseX509Svid,
  TrustDomain,
  verifyX509Svid,
  X509Bundle,
  X509BundleSet,
} from '@countersign/spiffe-tls';
import {
  BasicConstraintsExtension,
  type KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from '@peculiar/x509';
import {
  type CertificateAuthority,
  createCertificateAuthority,
  KEY_TYPES,
  restoreCertificateAuthority,
  type SvidRequest,
} from './certificate-authority.ts';

const trustDomain = TrustDomain.parse('example.org');
const nowMs = Date.now();
let ca: CertificateAuthority;

before(async () => {
  ca = await createCertificateAuthority({ trustDomain, notBeforeMs: nowMs - 60_000, notAfterMs: nowMs + 3_600_000 });
});

const request: SvidRequest = {
  spiffeId: 'spiffe://example.org/ns/store/sa/web',
  dnsNames: ['web.shop.example.org', 'web'],
  keyType: 'ec-p256',
  notBeforeMs: nowMs - 10_000,
  notAfterMs: nowMs + 60_000,
};

test('D14 the CA certificate is a root that signs and does nothing else', () => {
  const parsed = parseCertificate(ca.certificateDer);
  assert.equal(parsed.isCa, true);
  assert.deepEqual([...(parsed.keyUsage ?? [])].sort(), ['cRLSign', 'keyCertSign']);
  assert.equal(parsed.keyUsageCritical, true);
  assert.deepEqual(parsed.uriSans, ['spiffe://example.org']);
  assert.equal(parsed.issuerKey, parsed.subjectKey);
  assert.ok(parsed.x509.verify(parsed.x509.publicKey));
  assert.match(parsed.subjectKeyId ?? '', /^[0-9a-f]{40}$/);
  assert.equal(parsed.extendedKeyUsage, undefined);
  assert.equal(extensionOf(ca.certificateDer, BasicConstraintsExtension).critical, true);
});

test('D15 an SVID has what the standard asks for, and CN = first DNS name as SPIRE has', async () => {
  const issued = await ca.issue(request);
  const parsed = parseCertificate(issued.certificateDer);
  assert.deepEqual(parsed.uriSans, [request.spiffeId]);
  assert.deepEqual(parsed.dnsSans, request.dnsNames);
  assert.equal(parsed.x509.subject, 'CN=web.shop.example.org');
  assert.equal(parsed.isCa, false);
  assert.equal(extensionOf(issued.certificateDer, BasicConstraintsExtension).critical, true);
  assert.deepEqual([...(parsed.keyUsage ?? [])], ['digitalSignature']);
  assert.equal(parsed.keyUsageCritical, true);
  assert.deepEqual(parsed.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(parsed.authorityKeyId, parseCertificate(ca.certificateDer).subjectKeyId);
  assert.equal(extensionOf(issued.certificateDer, SubjectAlternativeNameExtension).critical, false);
  assert.equal(parsed.notBeforeMs, Math.floor(request.notBeforeMs / 1000) * 1000);
  assert.equal(parsed.notAfterMs, Math.floor(request.notAfterMs / 1000) * 1000);
});

test('D15 without DNS names the subject is empty and the SAN critical', async () => {
  const { certificateDer } = await ca.issue({ ...request, dnsNames: [] });
  assert.equal(parseCertificate(certificateDer).subjectEmpty, true);
  assert.equal(extensionOf(certificateDer, SubjectAlternativeNameExtension).critical, true);
});

test('D15 serial numbers are positive, unique and 16 bytes long', async () => {
  const issued = await Promise.all(Array.from({ length: 20 }, () => ca.issue(request)));
  const serials = issued.map(({ serialNumber }) => serialNumber);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
  assert.equal(new Set(serials).size, serials.length);
});

test('D15 no SVID outlives its CA or begins before it', async () => {
  const { notBeforeMs, notAfterMs } = await ca.issue({ ...request, notBeforeMs: 0, notAfterMs: nowMs + 86_400_000 });
  assert.equal(notBeforeMs, ca.notBeforeMs);
  assert.equal(notAfterMs, ca.notAfterMs);
});

for (const keyType of KEY_TYPES) {
  test(`D16 an SVID with a key of type ${keyType} verifies`, async () => {
    const { certificateDer, keyDer } = await ca.issue({ ...request, keyType });
    const svid = parseX509Svid({ spiffeId: request.spiffeId, chainDer: certificateDer, keyDer });
    const bundles = X509BundleSet.of(X509Bundle.fromDer(trustDomain, ca.certificateDer));
    assert.equal(verifyX509Svid({ chain: [certificateDer], bundles, nowMs }).id.toString(), request.spiffeId);
    assert.equal(
      svid.leaf.x509.checkPrivateKey(createPrivateKey({ key: Buffer.from(keyDer), format: 'der', type: 'pkcs8' })),
      true,
    );
  });
}

test('a restored CA issues what the first one’s root vouches for', async () => {
  const restored = await restoreCertificateAuthority(ca.certificateDer, await ca.keyDer());
  assert.equal(restored.serialNumber, ca.serialNumber);
  const { certificateDer } = await restored.issue(request);
  const bundles = X509BundleSet.of(X509Bundle.fromDer(trustDomain, ca.certificateDer));
  assert.equal(verifyX509Svid({ chain: [certificateDer], bundles, nowMs }).id.toString(), request.spiffeId);
});

type ExtensionClass =
  | typeof BasicConstraintsExtension
  | typeof KeyUsagesExtension
  | typeof SubjectAlternativeNameExtension;

function extensionOf(der: Uint8Array, type: ExtensionClass) {
  const found = new X509Certificate(Buffer.from(der)).extensions.find((extension) => extension instanceof type);
  assert.ok(found, `no ${type.name}`);
  return found;
}
