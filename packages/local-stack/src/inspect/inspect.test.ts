/**
 * What `inspect` prints, beside what `openssl x509 -text` says of the same certificate (A8).
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startDevTrustDomain } from '@countersign/dev-trust-domain';
import { createWorkloadApiJwtBundleSource, fetchX509Context } from '@countersign/spiffe-tls';
import { runInspect } from './inspect.ts';

const NAMES_OF_OPENSSL: Readonly<Record<string, string>> = {
  'Digital Signature': 'digitalSignature',
  'TLS Web Server Authentication': 'serverAuth',
  'TLS Web Client Authentication': 'clientAuth',
};
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

async function startTrustDomain(t: TestContext) {
  const runDirectory = await mkdtemp(join(tmpdir(), 'inspect-'));
  const registration = { name: 'web', spiffeId: 'spiffe://example.org/web', dnsNames: ['web.example.org'] };
  const trustDomain = await startDevTrustDomain({
    trustDomain: 'example.org',
    registrations: [registration],
    runDirectory,
  });
  t.after(async () => {
    await trustDomain.close();
    await rm(runDirectory, { recursive: true, force: true });
  });
  return { endpoint: trustDomain.socketOf('web'), runDirectory };
}

async function inspect(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const errors: string[] = [];
  const code = await runInspect({
    args,
    env: {},
    print: (text) => lines.push(text),
    printError: (text) => errors.push(text),
  });
  assert.equal(code, 0, errors.join('\n'));
  return lines.join('\n');
}

const byText = (left: string, right: string) => (left < right ? -1 : 1);

/** The value below a heading of `openssl x509 -text`. */
function below(text: string, heading: string): string[] {
  const found = new RegExp(`${heading}:[^\\n]*\\n\\s*([^\\n]+)`).exec(text)?.[1];
  assert.ok(found, `${heading} in\n${text}`);
  return found.split(', ').map((one) => one.trim());
}

test('A8 inspect agrees with openssl on every field', { skip: !hasOpenssl && 'needs openssl' }, async (t) => {
  const { endpoint, runDirectory } = await startTrustDomain(t);
  const { svid } = await fetchX509Context({ endpoint });
  const file = join(runDirectory, 'web.pem');
  await writeFile(file, svid.certificatePem);
  const said = JSON.parse(await inspect(file, '--json'));
  const openssl = (...args: string[]) =>
    execFileSync('openssl', ['x509', '-in', file, '-noout', ...args], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    });
  const line = (...args: string[]) =>
    openssl(...args)
      .trim()
      .replace(/^[^=]*=\s*/, '');
  assert.equal(said.serial, line('-serial'));
  assert.equal(said.sha256_fingerprint, line('-fingerprint', '-sha256').replaceAll(':', '').toLowerCase());
  assert.equal(Date.parse(said.not_before), Date.parse(line('-startdate')));
  assert.equal(Date.parse(said.not_after), Date.parse(line('-enddate')));
  // RFC 2253 writes the last attribute first.
  const name = (text: string) => text.split(/,\s*/).sort(byText);
  assert.deepEqual(name(said.issuer), name(line('-issuer', '-nameopt', 'RFC2253')));
  assert.deepEqual(name(said.subject), name(line('-subject', '-nameopt', 'RFC2253')));
  const text = openssl('-text');
  const named = (heading: string) => below(text, heading).map((one) => NAMES_OF_OPENSSL[one] ?? one);
  assert.deepEqual(said.key_usage, named('X509v3 Key Usage'));
  assert.deepEqual(said.extended_key_usage, named('X509v3 Extended Key Usage'));
  const sans = [
    ...said.dns_sans.map((one: string) => `DNS:${one}`),
    ...said.uri_sans.map((one: string) => `URI:${one}`),
  ];
  assert.deepEqual(sans.sort(byText), below(text, 'X509v3 Subject Alternative Name').sort(byText));
  assert.deepEqual([said.spiffe_id, said.trust_domain], ['spiffe://example.org/web', 'example.org']);
});

test('A8 of a Workload API it shows the JWT bundle keys, by kid and fingerprint, in both forms', async (t) => {
  const { endpoint } = await startTrustDomain(t);
  await using bundles = createWorkloadApiJwtBundleSource({ endpoint });
  const expected = [...(await bundles.ready())].flatMap(({ keys }) =>
    keys.map(({ keyId, publicKey }) => ({
      kid: keyId,
      // By way of PEM, so that it is not the same few calls again.
      sha256: createHash('sha256')
        .update(
          createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' }),
        )
        .digest('hex'),
    })),
  );
  const { jwt_keys: shown } = JSON.parse(await inspect(endpoint, '--json'));
  assert.deepEqual(
    shown.map(({ kid, sha256_fingerprint: sha256 }: Record<string, string>) => ({ kid, sha256 })),
    expected,
  );
  assert.ok(expected.length > 0);
  const table = await inspect(endpoint);
  for (const { kid, sha256 } of expected) assert.ok(table.includes(kid) && table.includes(sha256), table);
});
