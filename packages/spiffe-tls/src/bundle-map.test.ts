/**
 * Maps of bundles: an entry may be bad, the map may not.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { createAuthorities } from '../test/bundle-fixture.ts';
import { parseBundleDocument } from './bundle-document.ts';
import { BundleMap, loadBundleMap } from './bundle-map.ts';
import { SpiffeTlsError } from './errors.ts';
import { TrustDomain } from './trust-domain.ts';

const own = TrustDomain.parse('example.org');
const partner = TrustDomain.parse('partner.example');
const documents = {
  own: (await createAuthorities('example.org')).document({ spiffe_sequence: 3, spiffe_refresh_hint: 10 }).toString(),
  partner: (await createAuthorities('partner.example')).document().toString(),
};
const mapOf = (...entries: ReadonlyArray<readonly [string, string]>) =>
  Buffer.from(`{"trust_domains":{${entries.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}}`);

test('L73 reads the bundles of several trust domains, and no refresh hints', () => {
  const map = BundleMap.parse(mapOf(['example.org', documents.own], ['partner.example', documents.partner]));
  assert.deepEqual(map.trustDomains().map(String), ['example.org', 'partner.example']);
  assert.equal(map.get(own)?.sequence, 3n);
  assert.equal(map.get(own)?.refreshHintMs, undefined);
  assert.equal(map.x509.get(partner)?.authorities.length, 1);
  assert.equal(map.jwt.get(partner)?.keys.length, 1);
  assert.equal(map.get(TrustDomain.parse('other.example')), undefined);
});

for (const [name, text] of [
  ['bad.example', '{}'],
  ['bad.example', '[]'],
  ['bad.example', '{"keys":[],"spiffe_sequence":-1}'],
  ['spiffe://bad.example', '{"keys":[]}'],
  ['BAD.example', '{"keys":[]}'],
  ['', '{"keys":[]}'],
  ['__proto__/x', '{"keys":[]}'],
] as const) {
  test(`T35 drops the entry ${JSON.stringify(name)}: ${text} and keeps the map`, () => {
    const map = BundleMap.parse(mapOf([name, text], ['example.org', documents.own]));
    assert.deepEqual(map.trustDomains().map(String), ['example.org']);
    assert.deepEqual(
      map.ignored.map((entry) => entry.name),
      [JSON.stringify(name)],
    );
  });
}

for (const [name, bytes] of [
  ['T35 a trust domain that stands twice', mapOf(['example.org', documents.own], ['example.org', documents.partner])],
  [
    'T35 a name written twice, once with an escape',
    Buffer.from('{"trust_domains":{"a":{"keys":[]},"\\u0061":{"keys":[]}}}'),
  ],
  ['T35 a repeated name within one entry', mapOf(['example.org', '{"keys":[],"keys":[]}'])],
  ['no trust_domains', Buffer.from('{}')],
  ['trust_domains that is a list', Buffer.from('{"trust_domains":[]}')],
  ['a bundle instead of a map', Buffer.from(documents.own)],
  ['a torn write', mapOf(['example.org', documents.own]).subarray(0, 200)],
  ['more than 16 MiB', Buffer.alloc(16 * 1024 * 1024 + 1, ' ')],
] as const) {
  test(`L73 refuses ${name}`, () => {
    assert.throws(() => BundleMap.parse(bytes), { code: 'INVALID_BUNDLE' });
  });
}

test('L73 a map is written as it is read, and never with two bundles of one trust domain', () => {
  const bundle = parseBundleDocument(own, Buffer.from(documents.own));
  const again = BundleMap.parse(Buffer.from(BundleMap.of(bundle).marshal()));
  assert.ok(again.x509.get(own)?.equals(bundle.x509));
  assert.ok(again.jwt.get(own)?.equals(bundle.jwt));
  assert.equal(again.get(own)?.sequence, 3n);
  assert.throws(() => BundleMap.of(bundle, bundle), { code: 'INVALID_BUNDLE' });
});

test('L73 a map is loaded from a file whole, or refused', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'map-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'bundles.json');
  await assert.rejects(loadBundleMap(file), { code: 'INVALID_BUNDLE', message: /ENOENT/ });
  await writeFile(file, mapOf(['example.org', documents.own]));
  assert.deepEqual((await loadBundleMap(file)).trustDomains().map(String), ['example.org']);
  await truncate(file, 16 * 1024 * 1024 + 1);
  await assert.rejects(loadBundleMap(file), { code: 'INVALID_BUNDLE', message: /at most/ });
  await assert.rejects(loadBundleMap(directory), { code: 'INVALID_BUNDLE', message: /EISDIR/ });
});

test('T15 no map makes the reader fail otherwise than with SpiffeTlsError', () => {
  const names = fc.oneof(fc.constantFrom('example.org', '__proto__', 'constructor', 'A'), fc.string());
  const bundles = fc.oneof(fc.record({ keys: fc.array(fc.jsonValue()) }), fc.jsonValue());
  const made = fc.dictionary(names, bundles).map((entries) => JSON.stringify({ trust_domains: entries }));
  fc.assert(
    fc.property(fc.oneof(made, fc.json()), (text) => {
      try {
        const map = BundleMap.parse(Buffer.from(text));
        assert.ok(map.trustDomains().every((name) => map.x509.get(name)?.authorities.length === 0));
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError, String(error));
      }
    }),
    propertyRuns(500),
  );
});
