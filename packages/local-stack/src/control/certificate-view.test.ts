/** What is shown of a certificate, beside what Node and `openssl x509 -text` say of it (A8). */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type DevTrustDomain, startDevTrustDomain } from '@countersign/dev-trust-domain';
import { fetchWorkloadIdentity } from '../inspect/workload-identity.ts';
import { certificateViewOf } from './certificate-view.ts';
import type { CertificateText, CertificateView } from './stack-control.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const dnsName = 'web.example.org';
const spiffeId = 'spiffe://example.org/web';
const words: Readonly<Record<string, string>> = {
  'Digital Signature': 'digitalSignature',
  'Certificate Sign': 'keyCertSign',
  'CRL Sign': 'cRLSign',
  'TLS Web Server Authentication': 'serverAuth',
  'TLS Web Client Authentication': 'clientAuth',
};

for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048'] as const)
  describe(`A8 a workload with a key of kind ${keyType}, its intermediate and its bundle`, () => {
    let folder: string;
    let trustDomain: DevTrustDomain;
    let view: CertificateView;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'view-'));
      trustDomain = await startDevTrustDomain({
        trustDomain: 'example.org',
        runDirectory: folder,
        registrations: [{ name: 'web', spiffeId, dnsNames: [dnsName] }],
        keyType,
        intermediates: 1,
      });
      view = certificateViewOf('web', await fetchWorkloadIdentity(trustDomain.socketOf('web')));
    });

    after(async () => {
      await trustDomain?.close();
      await rm(folder, { recursive: true, force: true });
    });

    const all = () => [...view.chain, ...view.bundles.flatMap(({ authorities }) => authorities)];

    test('it is complete, and has no key', () => {
      assert.deepEqual([view.workload, view.spiffeId, view.chain.length], ['web', spiffeId, 2]);
      assert.deepEqual(
        view.bundles.map((bundle) => [bundle.trustDomain, bundle.authorities.length]),
        [['example.org', 1]],
      );
      assert.deepEqual([view.chain[0]?.uriSans, view.chain[0]?.dnsSans], [[spiffeId], [dnsName]]);
      assert.deepEqual(
        all().map(({ ca }) => ca),
        [false, true, true],
      );
      assert.ok(view.jwtKeys.length > 0);
      assert.doesNotMatch(JSON.stringify(view), /PRIVATE/);
    });

    test('Node agrees', () => {
      for (const said of all()) assertNodeAgrees(said, new X509Certificate(said.pem));
    });

    test('openssl agrees', { skip: !hasOpenssl && 'needs openssl' }, () => {
      for (const said of all()) assertOpensslAgrees(said);
    });
  });

function assertNodeAgrees(said: CertificateText, node: X509Certificate): void {
  assert.equal(said.serial, node.serialNumber);
  assert.equal(said.sha256Fingerprint, node.fingerprint256.replaceAll(':', '').toLowerCase());
  assert.deepEqual([Date.parse(said.notBefore), Date.parse(said.notAfter)], [+node.validFromDate, +node.validToDate]);
  assert.deepEqual(
    [said.subject, said.issuer],
    [node.subject, node.issuer].map((name) => (name ?? '').replaceAll('\n', ', ')),
  );
  assert.deepEqual([said.ca, said.signatureAlgorithm], [node.ca, node.signatureAlgorithm]);
  const { asymmetricKeyType, asymmetricKeyDetails } = node.publicKey;
  const size = String(
    asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve?.replace(/\D*(\d{3}).*/, '$1'),
  );
  assert.ok(
    said.key.startsWith(String(asymmetricKeyType).toUpperCase()) && said.key.endsWith(size),
    `${said.key}, ${size}`,
  );
}

function assertOpensslAgrees(said: CertificateText): void {
  // RFC 2253 writes the last attribute of a name first.
  const wanted = '-serial -fingerprint -sha256 -startdate -enddate -subject -issuer -nameopt RFC2253 -text';
  const text = execFileSync('openssl', ['x509', '-noout', ...wanted.split(' ')], { input: said.pem, encoding: 'utf8' });
  const value = (name: string) => new RegExp(`^${name}=\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  const attributes = (name: string) => name.split(/,\s*/).sort();
  assert.equal(said.serial, value('serial'));
  assert.equal(said.sha256Fingerprint, value('sha256 Fingerprint').replaceAll(':', '').toLowerCase());
  assert.equal(Date.parse(said.notBefore), Date.parse(value('notBefore')));
  assert.equal(Date.parse(said.notAfter), Date.parse(value('notAfter')));
  assert.deepEqual(attributes(said.subject), attributes(value('subject')));
  assert.deepEqual(attributes(said.issuer), attributes(value('issuer')));
  assert.deepEqual(said.keyUsage, named(text, 'X509v3 Key Usage'));
  assert.deepEqual(said.extendedKeyUsage, named(text, 'X509v3 Extended Key Usage'));
  const sans = [...said.dnsSans.map((name) => `DNS:${name}`), ...said.uriSans.map((uri) => `URI:${uri}`)];
  assert.deepEqual(sans.sort(), below(text, 'X509v3 Subject Alternative Name').sort());
  assert.equal(said.ca, text.includes('CA:TRUE'));
  assert.ok(text.includes(`Signature Algorithm: ${said.signatureAlgorithm}`), text);
  const bits = /Public-Key: \((\d+) bit\)/.exec(text)?.[1];
  assert.ok(bits !== undefined && said.key.endsWith(bits), `${said.key}, ${bits}`);
}

const named = (text: string, heading: string) => below(text, heading).map((one) => words[one] ?? one);

/** The values below a heading of `openssl x509 -text`; none without the heading. */
function below(text: string, heading: string): string[] {
  const found = new RegExp(`${heading}:[^\\n]*\\n\\s*([^\\n]+)`).exec(text)?.[1];
  return found === undefined ? [] : found.split(', ').map((one) => one.trim());
}
