/**
 * The built page: the files of the build's own list, read once. No path of a request is ever joined to a folder's: a request
 * finds one of these by its whole path, or nothing.
 */
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** A file in the forms in which it can be sent. */
export interface PageFile {
  /** `/assets/index-B1x.js`; the document is `/`. */
  readonly path: string;
  readonly type: string;
  /** Whether its name changes with its content. */
  readonly immutable: boolean;
  readonly plain: Buffer;
  readonly br?: Buffer;
  readonly gzip?: Buffer;
}

/** Name of the list that the build leaves in its folder. */
export const FILE_LIST = 'files.json';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.css', 'text/css; charset=utf-8'],
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.json', 'application/json'],
  ['.svg', 'image/svg+xml'],
  ['.woff2', 'font/woff2'],
]);

/**
 * Reads all files of a built page.
 * @throws when there is no list, or when it names what is not there or has no place in a page
 */
export function readPageFiles(folder: string): PageFile[] {
  const list: unknown = JSON.parse(readFileSync(join(folder, FILE_LIST), 'utf8'));
  if (!Array.isArray(list) || !list.includes('index.html')) throw new Error(`${FILE_LIST} lists no index.html`);
  return list.map((name) => readPageFile(folder, name));
}

function readPageFile(folder: string, name: unknown): PageFile {
  const isName = typeof name === 'string' && /^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(name);
  const type = isName ? TYPES.get(extname(name)) : undefined;
  if (!isName || type === undefined) throw new Error(`${FILE_LIST} lists ${JSON.stringify(name)?.slice(0, 80)}`);
  const read = (suffix: string) => readFileSync(join(folder, `${name}${suffix}`));
  return {
    path: name === 'index.html' ? '/' : `/${name}`,
    type,
    immutable: name.startsWith('assets/'),
    plain: read(''),
    br: read('.br'),
    gzip: read('.gz'),
  };
}

/** What stands in the place of a page that was not built. */
export function pageNotBuilt(why: string): PageFile {
  const text = [
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Countersign console</title>',
    '<h1>The page is not built</h1>',
    `<p>${escaped(why)}</p>`,
    '<p>The system runs all the same. To build it: <code>node scripts/console-page.mjs</code>, then start again.</p></html>',
  ].join('\n');
  return { path: '/', type: 'text/html; charset=utf-8', immutable: false, plain: Buffer.from(text) };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
