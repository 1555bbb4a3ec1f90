/**
 * Writes docs/reference/coverage.md: each requirement of the SPIFFE standards, and each lesson from other libraries, with
 * the test files that cite it. `--check` writes nothing and fails when the page is not current. Either way a requirement
 * that no test cites needs a reason in `uncovered`, and a reason for one that is cited is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Citation, findCitations } from './coverage-citations.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const page = join(root, 'docs/reference/coverage.md');
/** Why no test can cite it. */
const uncovered: Readonly<Record<string, string>> = {
  L85: 'WIT-SVIDs are not implemented: the profile is young, and nothing here would use it (L86 is tested)',
};
const SECTIONS = [
  ['L', 'The library', 'SPIFFE standards, for `packages/spiffe-tls`'],
  ['D', 'The development trust domain', 'SPIFFE standards, for `packages/dev-trust-domain`'],
  ['T', 'Lessons', 'what went wrong in other libraries and servers, or was asked of them'],
] as const;

type Requirements = Readonly<Record<string, readonly [what: string, source: string]>>;
const requirements: Requirements = JSON.parse(readFileSync(join(root, 'docs/reference/requirements.json'), 'utf8'));
const filesOf = group(findCitations(root));
const problems = problemsOf();
const text = pageOf();
if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (read(page) !== text) problems.push('docs/reference/coverage.md is not current: npm run generate');
for (const problem of problems) console.error(`coverage: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;

function group(citations: readonly Citation[]): Map<string, readonly string[]> {
  const byId = Map.groupBy(citations, ({ id }) => id);
  return new Map([...byId].map(([id, found]) => [id, found.map(({ file }) => file).sort()]));
}

function problemsOf(): string[] {
  return [
    ...[...filesOf.keys()].filter((id) => !(id in requirements)).map((id) => `${filesOf.get(id)}: there is no ${id}`),
    ...Object.keys(requirements)
      .filter((id) => !filesOf.has(id) && !(id in uncovered))
      .map((id) => `${id} is cited by no test, and there is no reason for that`),
    ...Object.keys(uncovered)
      .filter((id) => filesOf.has(id) || !(id in requirements))
      .map((id) => `the reason for ${id} is stale`),
  ];
}

function pageOf(): string {
  return `# Requirements and their tests

Made by \`npm run generate\` from [requirements.json](requirements.json) and the numbers that tests cite; \`npm run check\` proves
that it is current. A file is named once, however many of its tests cite the number.
${SECTIONS.map(([letter, title, subtitle]) => section(letter, title, subtitle)).join('')}`;
}

function section(letter: string, title: string, subtitle: string): string {
  const rows = Object.entries(requirements)
    .filter(([id]) => id.startsWith(letter))
    .map(([id, [what, source]]) => `| ${id} | ${what} | ${source} | ${testsOf(id)} |`);
  return `
## ${title}

${subtitle}

| | what | source | tests |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function testsOf(id: string): string {
  const files = filesOf.get(id);
  if (files === undefined) return `none: ${uncovered[id] ?? ''}`;
  return files.map((file) => `[${shortName(file)}](../../${file})`).join(', ');
}

function shortName(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1).replace(/(\.test)?\.ts$/, '');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
