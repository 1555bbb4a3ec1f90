/**
 * The library's own tests on each Node that is promised but the one that `npm test` runs them on. They are compiled, because
 * only the newest of these run TypeScript.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder, makeProject, nodes, root, run } from './ground.ts';

/** undici 8 asks for Node 22, so the oldest Node has the other version that the library takes. */
const OLD_UNDICI = 'undici@7.16.0';
const prepared = new Map<boolean, string>();

/** The compiled tests with everything that they import; made once for each version of undici. */
function prepare(node: string, oldUndici: boolean): string {
  const known = prepared.get(oldUndici);
  if (known !== undefined) return known;
  const folder = makeFolder(oldUndici ? 'library-tests-old' : 'library-tests');
  const config = join(root, 'test/packages/tsconfig.library-tests.json');
  run(join(root, 'node_modules/.bin/tsc'), ['-p', config, '--outDir', join(folder, 'packages')], root);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@countersign'), { recursive: true });
  const from = (name: string) => join(root, 'node_modules', name);
  for (const name of readdirSync(join(root, 'node_modules')).filter((it) => !/^(\.|@countersign$|undici$)/.test(it)))
    symlinkSync(from(name), join(modules, name));
  const old = oldUndici ? join(makeProject('undici-old', node, [OLD_UNDICI]), 'node_modules/undici') : undefined;
  symlinkSync(old ?? from('undici'), join(modules, 'undici'));
  for (const name of ['spiffe-tls', 'testkit']) placePackage(folder, name);
  // What tests read beside their code.
  symlinkSync(join(root, 'docs'), join(folder, 'docs'));
  prepared.set(oldUndici, folder);
  return folder;
}

/** The compiled package, under the name by which others import it. */
function placePackage(folder: string, name: string): void {
  const built = join(folder, 'packages', name);
  const text = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8');
  writeFileSync(join(built, 'package.json'), text.replaceAll(/(\.\/src\/[^"]*)\.ts"/g, '$1.js"'));
  symlinkSync(built, join(folder, 'node_modules', '@countersign', name));
}

for (const [version, node] of nodes) {
  if (`v${version}` === process.version) continue;
  test(`Node ${version}: the library's own tests`, () => {
    const folder = prepare(node, version.startsWith('20.'));
    const files = readdirSync(join(folder, 'packages/spiffe-tls/src')).filter((name) => name.endsWith('.test.js'));
    assert.ok(files.length > 40, `only ${files.length} files`);
    const paths = files.map((name) => join('packages/spiffe-tls/src', name));
    const output = run(node, ['--test', '--test-reporter=tap', '--test-concurrency=2', ...paths], folder);
    const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1]);
    console.log(`Node ${version}: ${passed} tests of the library passed`);
    assert.ok(passed > 1_000, `only ${passed} passed`);
  });
}
