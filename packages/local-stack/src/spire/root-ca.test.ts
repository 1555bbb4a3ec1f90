import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { rootFiles } from './config-files.ts';
import { layOutSpire } from './layout.ts';
import { ensureRoot } from './root-ca.ts';

describe('the root on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-root-'));
  const layout = layOutSpire(folder);
  const files = rootFiles(layout);
  mkdirSync(layout.ca, { recursive: true });
  after(() => rmSync(folder, { recursive: true, force: true }));
  const dayMs = 86_400_000;
  const now = Date.now();
  const certificate = () => new X509Certificate(readFileSync(files.certificate));

  it('is a CA of the trust domain, and nobody else can read its key', async () => {
    await ensureRoot(layout, 'example.org', now);
    assert.equal(certificate().subjectAltName, 'URI:spiffe://example.org');
    assert.equal(certificate().ca, true);
    assert.equal(statSync(files.key).mode & 0o777, 0o600);
  });

  it('stays while it will do', async () => {
    const { fingerprint256 } = certificate();
    await ensureRoot(layout, 'example.org', now + 300 * dayMs);
    assert.equal(certificate().fingerprint256, fingerprint256);
  });

  const unfit: ReadonlyArray<[name: string, trustDomain: string, atMs: number]> = [
    ['it soon ends', 'example.org', now + 340 * dayMs],
    ['it belongs to another trust domain', 'other.example', now],
  ];
  for (const [name, trustDomain, atMs] of unfit) {
    it(`is replaced when ${name}`, async () => {
      const { fingerprint256 } = certificate();
      await ensureRoot(layout, trustDomain, atMs);
      assert.notEqual(certificate().fingerprint256, fingerprint256);
      assert.equal(certificate().subjectAltName, `URI:spiffe://${trustDomain}`);
    });
  }

  it('is made again when its key is gone', async () => {
    const { fingerprint256 } = certificate();
    rmSync(files.key);
    await ensureRoot(layout, 'other.example', now);
    assert.notEqual(certificate().fingerprint256, fingerprint256);
  });
});
