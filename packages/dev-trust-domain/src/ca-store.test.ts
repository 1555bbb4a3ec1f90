import assert from 'node:assert/strict';
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { TrustDomain } from '@countersign/spiffe-tls';
import { temporaryDirectory } from '../test/temporary.ts';
import { createFileStore } from './ca-store.ts';
import { type CertificateAuthority, createCertificateAuthority } from './certificate-authority.ts';

const trustDomain = TrustDomain.parse('example.org');
const nowMs = Date.now();

function createRoot(changes: { notAfterMs?: number; trustDomain?: TrustDomain } = {}): Promise<CertificateAuthority> {
  return createCertificateAuthority({
    trustDomain,
    notBeforeMs: nowMs - 60_000,
    notAfterMs: nowMs + 60_000,
    ...changes,
  });
}

test('D19 the file and its directory are for their owner alone, on overwriting too', async (context) => {
  const directory = join(await temporaryDirectory(context), 'ca');
  const file = join(directory, 'ca.pem');
  const store = createFileStore(directory, trustDomain);
  await store.save(await createRoot(), []);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await chmod(file, 0o644);
  await store.save(await createRoot(), []);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  await chmod(file, 0o644);
  await store.load(nowMs);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test('what was saved is loaded: the signing root and the others that are still valid', async (context) => {
  const store = createFileStore(await temporaryDirectory(context), trustDomain);
  const [active, retiring, expired] = await Promise.all([
    createRoot(),
    createRoot(),
    createRoot({ notAfterMs: nowMs - 1000 }),
  ]);
  await store.save(active, [retiring.certificateDer, expired.certificateDer]);
  const stored = await store.load(nowMs);
  assert.ok('active' in stored);
  assert.equal(stored.active.serialNumber, active.serialNumber);
  assert.deepEqual(
    stored.others.map((der) => Buffer.from(der)),
    [Buffer.from(retiring.certificateDer)],
  );
  const { serialNumber } = await stored.active.issue({
    spiffeId: 'spiffe://example.org/web',
    dnsNames: [],
    keyType: 'ec-p256',
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 1000,
  });
  assert.equal(serialNumber.length, 32);
});

const unusable: readonly [name: string, reason: RegExp, prepare: (directory: string) => Promise<void>][] = [
  ['nothing', /none stored/, async () => {}],
  [
    'an expired root',
    /expired/,
    async (directory) =>
      createFileStore(directory, trustDomain).save(await createRoot({ notAfterMs: nowMs - 1000 }), []),
  ],
  [
    'the root of another trust domain',
    /another trust domain/,
    async (directory) => {
      const other = TrustDomain.parse('other.example');
      await createFileStore(directory, other).save(await createRoot({ trustDomain: other }), []);
    },
  ],
  ['noise', /parsed/, (directory) => writeFile(join(directory, 'ca.pem'), 'noise')],
  [
    'the key of another root',
    /do not match/,
    async (directory) => {
      const file = join(directory, 'ca.pem');
      const store = createFileStore(directory, trustDomain);
      await store.save(await createRoot(), []);
      const certificate = (await readFile(file, 'utf8')).replace(/-----BEGIN PRIVATE.+PRIVATE KEY-----\n/s, '');
      await store.save(await createRoot(), []);
      const key = (await readFile(file, 'utf8')).replace(/-----BEGIN CERT.+/s, '');
      await writeFile(file, key + certificate);
    },
  ],
];

for (const [name, reason, prepare] of unusable) {
  test(`${name} on disk is not used, and the reason is told`, async (context) => {
    const directory = await temporaryDirectory(context);
    await prepare(directory);
    const stored = await createFileStore(directory, trustDomain).load(nowMs);
    assert.ok('unusable' in stored);
    assert.match(stored.unusable, reason);
  });
}

test('a file that can not be read is an error that says what to do', async (context) => {
  const directory = await temporaryDirectory(context);
  const store = createFileStore(join(directory, 'ca.pem'), trustDomain);
  await writeFile(join(directory, 'ca.pem'), '');
  await assert.rejects(store.load(nowMs), { name: 'DevTrustDomainError', code: 'CA_STORE', message: /delete it/ });
});
