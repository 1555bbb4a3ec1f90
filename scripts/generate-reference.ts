/**
 * Writes docs/reference/spiffe-tls/ and docs/reference/dev-trust-domain/ from the TSDoc of what they export, and the API report of each,
 * which changes whenever the public interface does. `--check` writes nothing and fails when something is not current. Run it
 * by `npm run generate`: the types it reads are those of the built packages.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findExamples } from './reference/examples.ts';
import { extractApi } from './reference/extract.ts';
import { PACKAGES, type Page } from './reference/pages.ts';
import { findHomeless, renderPages } from './reference/render.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const reference = join(root, 'docs/reference');
const problems = Object.entries(PACKAGES).flatMap(([name, pages]) => generate(name, pages));
for (const problem of problems) console.error(`reference: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;

function generate(name: string, pages: readonly Page[]): readonly string[] {
  const { exports, report, problems: found } = extractApi(root, name);
  const rendering = { packageName: name, pages, exports, examples: examplesOf(name) };
  const files = new Map([...renderPages(rendering), ['api-report.md', report]]);
  const homeless = findHomeless(rendering).map((item) => `scripts/reference/pages.ts: no page has ${item}`);
  const folder = join(reference, name);
  if (process.argv.includes('--check')) return [...found, ...homeless, ...differences(name, files)];
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [file, text] of files) writeFileSync(join(folder, file), text);
  return [...found, ...homeless];
}

function examplesOf(name: string): ReadonlyMap<string, readonly string[]> {
  const folder = join(root, 'packages', name, 'src');
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const byName = Map.groupBy(
    files.flatMap((file) => findExamples(join(folder, file))),
    (example) => example.name,
  );
  return new Map([...byName].map(([key, found]) => [key, found.map(({ code }) => code)]));
}

function differences(name: string, files: ReadonlyMap<string, string>): readonly string[] {
  const folder = join(reference, name);
  const stale = readdirSync(folder).filter((file) => !files.has(file));
  const changed = [...files].filter(([file, text]) => !isCurrent(join(folder, file), text)).map(([file]) => file);
  return [...changed, ...stale].map((file) => {
    const what =
      file === 'api-report.md' ? 'the public interface changed (docs/reference/versioning.md)' : 'not current';
    return `docs/reference/${name}/${file}: ${what}: npm run generate`;
  });
}

function isCurrent(path: string, text: string): boolean {
  try {
    return readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
}
