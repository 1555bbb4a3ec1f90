import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { startRig } from '../../test/console-rig.ts';
import { pageNotBuilt, readPageFiles } from './page-files.ts';
import { chooseEncoding } from './send-page.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-page-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'assets'));
const contents = { 'index.html': '<!doctype html><p>page</p>', 'assets/index-Ab_1.js': 'console.log(1)' };
for (const [name, content] of Object.entries(contents)) {
  writeFileSync(join(folder, name), content);
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content));
  writeFileSync(join(folder, `${name}.gz`), gzipSync(content));
}
writeFileSync(join(folder, 'secret.js'), 'not listed');
const list = (names: unknown) => writeFileSync(join(folder, 'files.json'), JSON.stringify(names));
list(Object.keys(contents));

describe('the built page', () => {
  it('is served compressed, the document anew each time, what has a hash for ever', async () => {
    await using rig = await startRig({ page: readPageFiles(folder) });
    const document = await rig.ask({ path: '/', headers: { 'accept-encoding': 'gzip, br' } });
    assert.equal(document.headers['content-encoding'], 'br');
    assert.equal(document.headers['cache-control'], 'no-cache');
    assert.equal(document.headers['vary'], 'accept-encoding');
    assert.equal(brotliDecompressSync(document.body).toString(), contents['index.html']);
    const script = await rig.ask({ path: '/assets/index-Ab_1.js', headers: { 'accept-encoding': 'gzip' } });
    assert.equal(script.headers['content-type'], 'text/javascript; charset=utf-8');
    assert.match(String(script.headers['cache-control']), /immutable/);
    assert.equal(gunzipSync(script.body).toString(), contents['assets/index-Ab_1.js']);
  });

  it('is nothing but what the build lists, however a path is written', async () => {
    await using rig = await startRig({ page: readPageFiles(folder) });
    for (const path of [
      '/secret.js',
      '/files.json',
      '/index.html',
      '/assets/',
      '/assets/index-Ab_1.js.br',
      '/assets/../secret.js',
      '/assets/%2e%2e/secret.js',
      '/..%2fpackage.json',
      '//secret.js',
      '/%00',
    ]) {
      assert.equal((await rig.ask({ path })).status, 404, path);
    }
  });

  for (const names of [
    [],
    ['assets/x.js'],
    ['index.html', '../x.js'],
    ['index.html', '/etc/passwd'],
    ['index.html', 'x.php'],
    ['index.html', 'a/b/c.js'],
    'index.html',
    { 0: 'index.html' },
  ]) {
    it(`is refused with a list like ${JSON.stringify(names)}`, () => {
      list(names);
      assert.throws(() => readPageFiles(folder), /files\.json lists/);
    });
  }
});

describe('encodings', () => {
  const file = { plain: Buffer.from('p'), br: Buffer.from('b'), gzip: Buffer.from('g') };
  for (const [header, encoding] of [
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['BR', 'br'],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['gzip;q=nonsense', undefined],
  ] as const) {
    it(`${header}: ${encoding ?? 'as it is'}`, () => assert.equal(chooseEncoding(header, file).encoding, encoding));
  }
});

it('a page that is not built says how to build it, and nothing in it can be markup', async () => {
  await using rig = await startRig({ page: [pageNotBuilt('<img src=x onerror=alert(1)>')] });
  const { status, body } = await rig.ask({ path: '/' });
  assert.equal(status, 200);
  assert.match(body.toString(), /node scripts\/console-page\.mjs/);
  assert.doesNotMatch(body.toString(), /<img/);
});
