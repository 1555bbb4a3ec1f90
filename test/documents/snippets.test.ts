/**
 * Every piece of TypeScript that users read compiles: in the documents, and in the `@example`s of the published packages.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findSnippets, findSourceExamples, root, type Snippet, writeModules } from './snippets.ts';

// Below node_modules, so that packages are found and git sees nothing of it.
const folder = join(root, 'node_modules/.cache', `countersign-snippets-${process.pid}`);
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the compiler says about them, each line with the place of the snippet. */
function compile(snippets: readonly Snippet[]): string {
  rmSync(folder, { recursive: true, force: true });
  writeModules(folder, snippets);
  // Examples end where they have shown what they are about.
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, noImplicitReturns: false };
  const tsconfig = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'], exclude: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { stdout, error } = spawnSync(tsc, ['--pretty', 'false', '-p', folder], { cwd: folder, encoding: 'utf8' });
  assert.ifError(error);
  return stdout.replace(/^snippet-(\d+)\.ts/gm, (_, index) => {
    const snippet = snippets[Number(index)];
    return `${snippet?.origin} (${snippet?.title})`;
  });
}

test('the documents and the examples of the sources compile', () => {
  const [documents, examples] = [findSnippets(), findSourceExamples()];
  assert.ok(documents.length >= 8 && examples.length >= 40, `${documents.length} and ${examples.length}`);
  assert.equal(compile([...documents, ...examples]), '');
});

test('what does not compile is refused, with its place', () => {
  const refused = [
    ['an unknown export', "import { authorizeNobody } from '@countersign/spiffe-tls';", 'no exported member'],
    ['a text for a SPIFFE ID', "authorizeId('spiffe://example.org/a');", 'not assignable'],
    ['an unknown option', 'createWorkloadApiX509Source({ socket: url });', 'does not exist in type'],
    ['a name from nowhere', 'createSpiffeHttpsServer({ source, authorize }, nowhere);', "Cannot find name 'nowhere'"],
  ] as const;
  const said = compile(refused.map(([title, code], index) => ({ origin: `a.md:${index}`, title, code })));
  for (const [index, [title, , error]] of refused.entries()) {
    assert.match(said, new RegExp(`^a\\.md:${index} \\(${title}\\).*${error}`, 'm'));
  }
});

test('every main export has an example', () => {
  const documented = new Set(findSourceExamples().map(({ title }) => title));
  const index = readFileSync(join(root, 'packages/spiffe-tls/src/index.ts'), 'utf8');
  const main = [...new Set(index.match(/\b(create|connect|validate|verify|fetch|load|authorize)[A-Z]\w+/g))];
  assert.ok(main.length > 30);
  assert.deepEqual(
    main.filter((name) => !documented.has(name)),
    [],
  );
});
