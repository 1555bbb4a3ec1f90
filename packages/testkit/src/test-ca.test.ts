import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { elementsOf, extension, oid, sequence, tlv } from './der-writer.ts';
import { createTestCa } from './test-ca.ts';
import { ExtensionId } from './test-certificate.ts';
import { createTestKeys } from './test-keys.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });

test('test CA: what it issues is a certificate that node:crypto accepts under it', async () => {
  const issuing = await ca.intermediate();
  const { chain, keyPem } = await issuing.issue({ path: '/a', dnsNames: ['a.example.org'] });
  const [leaf, middle, root] = [...chain, ca.der].map((der) => new X509Certificate(der));
  assert.ok(leaf !== undefined && middle !== undefined && root !== undefined);
  assert.ok(leaf.checkIssued(middle) && leaf.verify(middle.publicKey));
  assert.ok(middle.checkIssued(root) && middle.verify(root.publicKey));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(keyPem)));
  assert.equal(leaf.subject, 'CN=a.example.org');
  assert.equal(leaf.subjectAltName, 'DNS:a.example.org, URI:spiffe://example.org/a');
});

test('test CA: a rewritten certificate is still properly signed', async () => {
  const { der } = await ca.issue({
    rawExtensions: { [ExtensionId.keyUsage]: null },
    duplicateExtension: ExtensionId.subjectKeyId,
  });
  assert.ok(new X509Certificate(der).verify(ca.certificate().x509.publicKey));
  const [tbs = der] = elementsOf(der);
  const [wrapper = der] = elementsOf(tbs).slice(-1);
  const ids = elementsOf(elementsOf(wrapper)[0] ?? der).map((e) =>
    Buffer.from(elementsOf(e)[0] ?? der).toString('hex'),
  );
  const hex = (id: string): string => Buffer.from(oid(id)).toString('hex');
  assert.ok(!ids.includes(hex(ExtensionId.keyUsage)));
  assert.equal(ids.filter((id) => id === hex(ExtensionId.subjectKeyId)).length, 2);
});

test('test CA: a context has the SVID and its bundle', async () => {
  const foreign = await createTestCa({ trustDomain: 'foreign.example' });
  const context = ca.context(await ca.issue(), foreign.bundle());
  assert.equal(context.svid.id.toString(), 'spiffe://example.org/workload');
  assert.deepEqual(context.bundles.trustDomains().map(String), ['example.org', 'foreign.example']);
});

test('test keys: made anew each time', async () => {
  const [a, b] = await Promise.all([createTestKeys(), createTestKeys()]);
  assert.notEqual(a.keyPem, b.keyPem);
});

test('DER writer: lengths and identifiers', () => {
  assert.equal(Buffer.from(oid('1.2.840.10045.4.3.2')).toString('hex'), '06082a8648ce3d040302');
  assert.equal(Buffer.from(sequence(tlv(0x04, Buffer.alloc(200)))).toString('hex', 0, 6), '3081cb0481c8');
  assert.equal(
    Buffer.from(extension('2.5.29.15', true, Buffer.from([5, 0]))).toString('hex'),
    '300c0603551d0f0101ff04020500',
  );
});
