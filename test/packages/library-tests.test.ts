/**
 * The library's own tests on each Node that is promised. They are compiled, because only the newest of these run TypeScript.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { makeFolder, nodes, root, run } from './ground.ts';

const folder = makeFolder('library-tests');

before(() => {
  const config = join(root, 'test/packages/tsconfig.library-tests.json');
  run(join(root, 'node_modules/.bin/tsc'), ['-p', config, '--outDir', join(folder, 'packages')], root);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@countersign'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules')).filter((it) => !/^(\.|@countersign$)/.test(it)))
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const name of ['spiffe-tls', 'testkit']) placePackage(name, modules);
  // What tests read beside their code.
  symlinkSync(join(root, 'docs'), join(folder, 'docs'));
});

/** The compiled package, under the name by which others import it. */
function placePackage(name: string, modules: string): void {
  const built = join(folder, 'packages', name);
  const text = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8');
  writeFileSync(join(built, 'package.json'), text.replaceAll(/(\.\/src\/[^"]*)\.ts"/g, '$1.js"'));
  symlinkSync(built, join(modules, '@countersign', name));
}

for (const [version, node] of nodes) {
  test(`Node ${version}: the library's own tests`, () => {
    const files = readdirSync(join(folder, 'packages/spiffe-tls/src')).filter((name) => name.endsWith('.test.js'));
    assert.ok(files.length > 40, `only ${files.length} files`);
    const paths = files.map((name) => join('packages/spiffe-tls/src', name));
    const output = run(node, ['--test', '--test-reporter=tap', '--test-concurrency=2', ...paths], folder);
    const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1]);
    console.log(`Node ${version}: ${passed} tests of the library passed`);
    assert.ok(passed > 1_000, `only ${passed} passed`);
  });
}
