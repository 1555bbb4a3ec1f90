/**
 * Where tests cite the requirements of docs/reference/requirements.json. A citation is a number such as `L17` that begins
 * the title of a test or of a row of its table (several may stand there), or that stands in a comment of a test file.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One requirement cited by one file. */
export interface Citation {
  readonly id: string;
  /** From the root, with `/`. */
  readonly file: string;
}

const FOLDERS = ['packages', 'services', 'test'];
const NUMBER = /\b[LDT]\d{1,2}\b/g;
/** `'L17 T4 verify: ...`, with quote or backtick; a word of a title before the numbers is not allowed. */
const TITLE = /['"`]((?:[LDT]\d{1,2}[ ,]+)+)(?=\S)/g;
const COMMENT = /(?:\/\/|^\s*\/?\*).*$/gm;

/** All of them, each file's citation of a number once. */
export function findCitations(root: string): Citation[] {
  return FOLDERS.flatMap((folder) => listTests(root, folder)).flatMap((file) => {
    const ids = new Set(citationsIn(readFileSync(join(root, file), 'utf8')));
    return [...ids].map((id) => ({ id, file }));
  });
}

/** Numbers cited in one file's text. */
export function citationsIn(text: string): string[] {
  const titles = [...text.matchAll(TITLE)].map((match) => match[1] ?? '');
  const comments = [...text.matchAll(COMMENT)].map(([comment]) => comment);
  return [...titles, ...comments].flatMap((part) => part.match(NUMBER) ?? []);
}

/** Test files, and the tables of testkit, which are tests' rows. */
function listTests(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && name !== 'dist' && name !== 'gen')
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return listTests(root, path);
      const counts =
        path.endsWith('.test.ts') || path.startsWith('packages/testkit/src/') || /^test\/.*\.ts$/.test(path);
      return counts && path.endsWith('.ts') ? [path] : [];
    });
}
