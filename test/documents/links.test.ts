/**
 * Links within the documents lead to a file, and to a heading of it.
 */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { root } from './snippets.ts';

const DOCUMENTS = ['*.md', '{docs,kind,tilt}/**/*.md', '{packages,services}/*/README.md', 'policies/README.md'];
const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g;

function brokenLinks(document: string, text: string): string[] {
  return [...text.matchAll(LINK)].flatMap(([, path = '', heading]) => {
    const target = path === '' ? join(root, document) : join(root, dirname(document), path);
    const found = existsSync(target) && (heading === undefined || anchorsOf(target).has(heading));
    return found ? [] : [`${document}: ${path}${heading === undefined ? '' : `#${heading}`}`];
  });
}

/** As GitHub makes them of headings. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, text = '']) =>
      text
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link of the documents leads somewhere', () => {
  const documents = globSync(DOCUMENTS, { cwd: root });
  assert.ok(documents.length > 30);
  assert.deepEqual(
    documents.flatMap((document) => brokenLinks(document, readFileSync(join(root, document), 'utf8'))),
    [],
  );
});

for (const [name, link] of [
  ['no such file', '[a](docs/nowhere.md)'],
  ['no such heading', '[a](README.md#nowhere)'],
  ['no such heading on the page itself', '[a](#nowhere)'],
] as const) {
  test(`a broken link is found: ${name}`, () => assert.equal(brokenLinks('README.md', link).length, 1));
}
