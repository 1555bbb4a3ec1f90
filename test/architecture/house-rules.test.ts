/**
 * Rules of the house that a reader relies on: one home for identities, the environment read in one place, documented
 * exports, no sleeping tests.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isTest, listFiles, listSources, readSource, root } from './source-files.ts';

const sources = listSources();
const files = listFiles();
const GENERATED = ['policies/data/', 'policies/bundle.tar.gz', 'kind/generated/', 'kind/spire/identities.yaml'];
const PROSE = /\.(md|svg|png)$/;

test('trust domain and namespace are written in identities.json alone', () => {
  const identities = JSON.parse(readFileSync(`${root}identities.json`, 'utf8'));
  const literals = [String(identities.trustDomain), `/ns/${identities.namespace}`];
  const offenders = files
    .filter((path) => path !== 'identities.json' && !PROSE.test(path))
    .filter((path) => !GENERATED.some((prefix) => path.startsWith(prefix)))
    .map(readSource)
    .filter(({ text }) => literals.some((literal) => text.includes(literal)));
  assert.deepEqual(
    offenders.map(({ path }) => path),
    [],
  );
});

test('only main programs read the environment', () => {
  const offenders = sources
    .filter(
      ({ path }) =>
        !isTest(path) && !/\/(main|cli|migrate|rogue|inspect|start|production-guard|[a-z-]+-main)\.ts$/.test(path),
    )
    .filter(({ text }) => /\bprocess\.env\b/.test(withoutComments(text)));
  assert.deepEqual(
    offenders.map(({ path }) => path),
    [],
  );
});

test('services never accept just any peer', () => {
  const offenders = sources.filter(({ path, text }) => path.startsWith('services/') && /dangerously/.test(text));
  assert.deepEqual(
    offenders.map(({ path }) => path),
    [],
  );
});

test('no test sleeps', () => {
  const sleeping = /setTimeout\(\s*(?:r|resolve|done)\b|timers\/promises/;
  const offenders = files
    .filter((path) => path.endsWith('.test.ts') && path !== 'test/architecture/house-rules.test.ts')
    .map(readSource)
    .filter(({ text }) => sleeping.test(text));
  assert.deepEqual(
    offenders.map(({ path }) => path),
    [],
  );
});

test('no file is longer than 400 lines', () => {
  const long = sources
    .filter(({ path }) => !path.endsWith('.test.ts'))
    .filter(({ text }) => text.split('\n').length > 400);
  assert.deepEqual(
    long.map(({ path }) => path),
    [],
  );
});

test('every export of a package is documented', () => {
  const undocumented = sources
    .filter(({ path }) => path.startsWith('packages/') && !isTest(path) && !path.endsWith('/index.ts'))
    .flatMap(({ path, text }) => undocumentedExports(text).map((name) => `${path}: ${name}`));
  assert.deepEqual(undocumented, []);
});

test('no key or password is committed', () => {
  // Sixty characters of base64 are a key; the shorter ones in tests are text that must be refused.
  const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{60,}/;
  const password = /password\s*[:=]\s*['"][^'"]+['"]/i;
  const committed = files.filter((path) => !/\.(png|gz)$/.test(path)).map(readSource);
  const offenders = committed.filter(({ path, text }) => key.test(text) || (!isTestFile(path) && password.test(text)));
  assert.deepEqual(
    offenders.map(({ path }) => path),
    [],
  );
});

function isTestFile(path: string): boolean {
  return path.endsWith('.test.ts');
}

test('the root stays a place one can survey', () => {
  const entries = new Set(files.map((path) => path.split('/')[0]));
  // Docker and Tilt look for their files here, whoever would rather not have them here.
  for (const wanted of ['Dockerfile', '.dockerignore', 'Tiltfile']) entries.delete(wanted);
  assert.ok(entries.size <= 25, [...entries].join(' '));
});

test('docs/reference/errors.md lists every error code of every package, and no other', () => {
  const documented = documentedCodes(readFileSync(`${root}docs/reference/errors.md`, 'utf8'));
  const declared = declaredCodes();
  assert.ok(declared.length > 50);
  assert.deepEqual(documented, declared);
});

/** `package: CODE`, sorted, from the document's sections. */
function documentedCodes(text: string): string[] {
  const sections = text.split(/^## /m).slice(1);
  return sections
    .flatMap((section) => {
      const name = section.slice(0, section.indexOf('\n')).trim();
      return [...section.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map((match) => `${name}: ${match[1]}`);
    })
    .sort();
}

/** `package: CODE`, sorted, from each union type whose name ends in `ErrorCode`. */
function declaredCodes(): string[] {
  return sources
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^export type \w+ErrorCode =([\s\S]*?);/gm)].flatMap((union) =>
        [...withoutComments(union[1] ?? '').matchAll(/'([A-Z0-9_]+)'/g)].map(
          (code) => `${path.split('/')[1]}: ${code[1]}`,
        ),
      ),
    )
    .sort();
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function undocumentedExports(text: string): string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const name = /^export (?:abstract |async )?(?:function|class|interface|type|const) (\w+)/.exec(line)?.[1];
    if (name === undefined) return [];
    const before = lines[index - 1]?.trim() ?? '';
    // The second and later signatures of an overload share the first one's text.
    const overload = before.startsWith(`export function ${name}`);
    return before.endsWith('*/') || overload ? [] : [name];
  });
}
