/** docs/reference/cluster-test.md lists every replacement, and each is where it says. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

const root = new URL('../../../', import.meta.url);
const document = read('docs/reference/cluster-test.md');
const rows = document
  .split('\n')
  .filter((line) => /^\| .* `[^`]+` \|$/.test(line))
  .map((line) => line.slice(2, -2).split(' | '))
  .map(([what = '', , here = '', , by = '']) => ({ what, names: codeOf(here), file: codeOf(by).join() }));
const listed = rows.flatMap(({ names }) => names);

function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

function codeOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
}

function found(path: string, pattern: RegExp): string[] {
  return [...new Set([...read(path).matchAll(pattern)].map(([name]) => name))];
}

describe('each replacement that is listed is made by its file', () => {
  it('there are some', () => assert.ok(rows.length > 15, `found ${rows.length} rows`));
  for (const { what, names, file } of rows)
    it(what, () => {
      const text = read(file);
      assert.ok(names.length > 0, 'names nothing that could be looked for');
      // A variable's value and files beside it are said in words; the rest has to stand there.
      const missing = names.filter((name) => !/^ci$|\.ya?ml$/.test(name) && !text.includes(name));
      assert.deepEqual(missing, [], file);
    });
});

describe('each replacement that is made is listed', () => {
  it('variables of the Tiltfile', () => {
    const variables = found('tilt/settings.Tiltfile', /COUNTERSIGN_[A-Z_]+/g);
    assert.equal(variables.length, 3);
    assert.deepEqual(
      variables.filter((name) => !listed.includes(name)),
      [],
    );
  });

  it('images', () => {
    const manifests = ['test/cluster/node/manifests/', 'test/cluster/spire/manifests/'];
    const files = manifests.flatMap((folder) => readdirSync(new URL(folder, root)).map((name) => folder + name));
    const suite = ['test/cluster/suite/manifests.ts', 'test/cluster/component-debug.test.ts'];
    const all = [...files, ...suite, 'kind/overlays/ci/kustomization.yaml', 'test/cluster/node/containerd.sh'];
    const images = all.flatMap((file) => found(file, /localhost\/countersign-ci\/[a-z-]+/g));
    assert.ok(images.length > 8);
    assert.deepEqual(
      images.filter((name) => !listed.includes(name)),
      [],
    );
  });

  it('kernel settings', () => {
    const settings = found('test/cluster/node/mounts.sh', /^[a-z]+(\.[a-z_]+)+(?= \d+$)/gm);
    assert.ok(settings.length >= 6);
    assert.deepEqual(
      settings.filter((name) => !listed.includes(name)),
      [],
    );
  });
});
