/** Bundles that must not be taken into use, each broken in one way; then the committed one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { archive, bundleWith, committedBundle, committedFiles } from '../../test/bundles.ts';
import { AuthzError } from '../errors.ts';
import { parsePolicyBundle } from './policy-bundle.ts';

const good = await bundleWith();
const { manifest, wasm } = await committedFiles();
const files = [
  ['/data.json', '{"grants":{}}'],
  ['/policy.wasm', wasm],
  ['/.manifest', manifest],
] as const;
const grants = (value: unknown) => bundleWith({ data: JSON.stringify({ grants: value }) });
const SELF = 'spiffe://example.org/a';
const PEER = 'spiffe://example.org/b';

const REFUSED: [name: string, bytes: Uint8Array, message: RegExp, limits?: Parameters<typeof parsePolicyBundle>[1]][] =
  [
    ['no bytes', new Uint8Array(), /whole gzip/],
    ['no gzip', Buffer.from('{"grants":{}}'), /whole gzip/],
    ['gzip cut in half', good.subarray(0, good.length / 2), /whole gzip/],
    ['gzip cut by one byte', good.subarray(0, -1), /whole gzip/],
    ['gzip with one bit turned', flipped(good, good.length >> 1), /whole gzip/],
    ['gzip of no tar', gzipSync('x'.repeat(2000)), /whole tar/],
    ['gzip of nothing', gzipSync(''), /must hold "\.manifest"/],
    ['too many bytes', good, /at most 1000 bytes, got/, { maxBytes: 1000 }],
    ['too many bytes when inflated', gzipSync(Buffer.alloc(5_000_000)), /whole gzip/, { maxInflatedBytes: 1_000_000 }],
    [
      'too many entries',
      await archive([...files, ...Array.from({ length: 9 }, (_, i) => [`/x${i}`, ''] as const)]),
      /at most 8 entries/,
      { maxEntries: 8 },
    ],
    [
      'a file twice',
      await archive([...files, ['/data.json', '{"grants":{}}']]),
      /each file once, got two of "data.json"/,
    ],
    ['a file twice by another spelling', await archive([...files, ['./data.json', '{}']]), /each file once/],
    [
      'a symbolic link',
      await archive([...files, ['/x', { type: 'symlink', linkname: '/etc/passwd' }]]),
      /files and folders only/,
    ],
    ['no manifest', await bundleWith({ manifest: null }), /must hold "\.manifest"/],
    ['a manifest that is no JSON', await bundleWith({ manifest: '{' }), /\.manifest must be JSON/],
    ['a manifest without a revision', await bundleWith({ manifest: '{"wasm":[]}' }), /manifest: .*revision/],
    [
      'a manifest with an empty revision',
      await bundleWith({ manifest: '{"revision":"","wasm":[]}' }),
      /manifest: .*revision/,
    ],
    [
      'a manifest without a module',
      await bundleWith({ manifest: '{"revision":"1","wasm":[]}' }),
      /name a module for .*, got none/,
    ],
    ['a manifest of a Rego bundle', await bundleWith({ manifest: '{"revision":"1"}' }), /manifest: .*wasm/],
    [
      'another entrypoint',
      await bundleWith({ manifest: manifest.replace('authz/decision', 'authz/allow') }),
      /got "countersign\/authz\/allow"/,
    ],
    ['no module', await bundleWith({ wasm: null }), /must hold "policy.wasm"/],
    ['a module that is none', await bundleWith({ wasm: Buffer.from('not wasm') }), /valid WebAssembly/],
    ['a module cut in half', await bundleWith({ wasm: wasm.subarray(0, wasm.length / 2) }), /valid WebAssembly/],
    ['no data', await bundleWith({ data: null }), /must hold "data.json"/],
    ['data that is no JSON', await bundleWith({ data: '{"grants":' }), /data.json must be JSON/],
    [
      'data that is no UTF-8',
      await bundleWith({ data: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }),
      /data.json must be JSON in UTF-8/,
    ],
    ['data that is an array', await bundleWith({ data: '[]' }), /data.json must be an object/],
    ['data without grants', await bundleWith({ data: '{}' }), /policy grants: must be object/],
    ['grants as a list', await grants([]), /policy grants: must be object/],
    ['grants of a service that is no SPIFFE ID', await grants({ backend: {} }), /policy grants: .*pattern/],
    ['grants to a peer that is no SPIFFE ID', await grants({ [SELF]: { '*': {} } }), /policy grants: .*pattern/],
    ['a grant for any operation', await grants({ [SELF]: { [PEER]: { '*': {} } } }), /policy grants: .*pattern/],
    [
      'a grant for what no route took',
      await grants({ [SELF]: { [PEER]: { unmatched: {} } } }),
      /policy grants: .*pattern/,
    ],
    ['a grant that is true', await grants({ [SELF]: { [PEER]: { 'GET /': true } } }), /policy grants: must be object/],
    [
      'a misspelt obligation',
      await grants({ [SELF]: { [PEER]: { 'GET /': { masc: ['a'] } } } }),
      /additional properties/,
    ],
    ['an empty mask', await grants({ [SELF]: { [PEER]: { 'GET /': { mask: [] } } } }), /fewer than 1/],
  ];

for (const [name, bytes, message, limits] of REFUSED) {
  test(`policy bundle: refused: ${name}`, async () => {
    await assert.rejects(parsePolicyBundle(bytes, limits), (error: unknown) => {
      assert.ok(error instanceof AuthzError);
      assert.equal(error.code, 'BUNDLE_INVALID');
      assert.match(error.message, message);
      return true;
    });
  });
}

test('policy bundle: the committed one is read', async () => {
  const bundle = await parsePolicyBundle(readFileSync(committedBundle));
  assert.match(bundle.revision, /^[0-9a-f]{64}$/);
  assert.ok(Object.keys(bundle.data.grants).length > 0);
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const { manifest: plain } = await committedFiles();
const rooted = (roots: unknown): string => JSON.stringify({ ...JSON.parse(plain), roots });
const inGrants = async (name: string, content: string, manifestText = plain): Promise<Buffer> =>
  archive([
    [name, content],
    ['/policy.wasm', (await committedFiles()).wasm],
    ['/.manifest', manifestText],
  ]);
const oneGrant = JSON.stringify({ [SELF]: { [PEER]: { 'GET /': {} } } });

test('policy bundle: data at any depth is merged, and stays within the roots', async () => {
  const { wasm } = await committedFiles();
  const bundle = await parsePolicyBundle(
    await archive([
      ['/data.json', '{"extra":{"a":1}}'],
      ['/grants/data.json', oneGrant],
      ['/extra/b/data.json', '[2]'],
      ['/.manifest', rooted(['grants', 'extra', 'countersign'])],
      ['/policy.wasm', wasm],
    ]),
  );
  assert.deepEqual(bundle.data, { extra: { a: 1, b: [2] }, grants: JSON.parse(oneGrant) });
});

const FORMAT: [name: string, bytes: Buffer, message: RegExp][] = [
  ['YAML data', await inGrants('/grants/data.yaml', 'a: 1'), /data must be JSON, got "grants\/data\.yaml"/],
  ['YAML data by its other name', await inGrants('/data.yml', 'a: 1'), /data must be JSON, got "data\.yml"/],
  ['a delta bundle', await inGrants('/patch.json', '{"data":[]}'), /got a delta bundle/],
  [
    'data outside of the roots',
    await inGrants('/data.json', '{"other":1,"grants":{}}', rooted(['grants', 'countersign'])),
    /data at "\/other" must be within the roots "grants", "countersign"/,
  ],
  [
    'data beside a deep root',
    await inGrants('/data.json', '{"extra":{"b":1}}', rooted(['extra/a', 'countersign'])),
    /data at "\/extra\/b" must be within/,
  ],
  [
    'a value where a root lies below',
    await inGrants('/data.json', '{"extra":1}', rooted(['extra/a', 'countersign'])),
    /data at "\/extra" must be within/,
  ],
  [
    'a root that is only a prefix of the name',
    await inGrants('/data.json', '{"grantsandmore":1}', rooted(['grants', 'countersign'])),
    /data at "\/grantsandmore" must be within/,
  ],
  [
    'an entrypoint outside of the roots',
    await inGrants('/grants/data.json', oneGrant, rooted(['grants'])),
    /cover the/,
  ],
  ['overlapping roots', await inGrants('/grants/data.json', oneGrant, rooted(['grants', 'grants/a'])), /overlap/],
  ['a root twice', await inGrants('/grants/data.json', oneGrant, rooted(['grants', '/grants'])), /overlap/],
  [
    'roots that are no list',
    await inGrants('/grants/data.json', oneGrant, rooted('grants')),
    /manifest: must be array/,
  ],
  [
    'an unknown Rego version',
    await inGrants('/grants/data.json', oneGrant, JSON.stringify({ ...JSON.parse(plain), rego_version: 7 })),
    /manifest: must be equal to one of the allowed values/,
  ],
  ['a folder that is no name', await inGrants('/grants/../data.json', '{}'), /must be plain names/],
  [
    'one value by two files',
    await archive([
      ['/data.json', '{"grants":1}'],
      ['/grants/data.json', oneGrant],
      ['/.manifest', plain],
    ]),
    /data at "\/grants" must be given by one file/,
  ],
];
for (const [name, bytes, message] of FORMAT) {
  test(`policy bundle: refused: ${name}`, async () => {
    await assert.rejects(parsePolicyBundle(bytes), (error: unknown) => {
      assert.ok(error instanceof AuthzError);
      assert.equal(error.code, 'BUNDLE_INVALID');
      assert.match(error.message, message);
      return true;
    });
  });
}
