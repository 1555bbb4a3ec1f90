/**
 * `node scripts/console-page.mjs`: builds the console's page, unless it is built from what is there. `npm start` does it by
 * itself. Plain JavaScript for Node >= 20.19.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { ensureSetup, root } from './setup.mjs';

const workspace = join(root, 'services/console');
const dist = join(workspace, 'dist');
const vite = join(workspace, 'node_modules/vite/bin/vite.js');

/** Folder of the built page. */
export const pageFolder = join(dist, 'page');

/** Which file was made from what, and needs which others; in the folder, and not served. */
export const MANIFEST = 'manifest.json';

/** What the page is made of. */
const INPUTS = [
  'services/console/page',
  'services/console/src/wire',
  'services/console/package.json',
  'package-lock.json',
  'scripts/console-page.mjs',
];

/**
 * Builds the page if its sources are not those that it was built from. A failure is said and harms nothing else: the console
 * then shows how to build it.
 * @param {string} node the Node that runs the programs @returns {string | undefined} the folder, if there is a current page
 */
export function ensureConsolePage(node) {
  const stamp = stampOf(INPUTS);
  const stampFile = join(pageFolder, 'inputs.sha256');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return pageFolder;
  console.log('console: building the page (once, and when its sources change)');
  const startedAt = performance.now();
  try {
    const built = build(node);
    writeFileSync(join(built, 'inputs.sha256'), stamp);
    rmSync(pageFolder, { recursive: true, force: true });
    renameSync(built, pageFolder);
    console.log(`console: built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return pageFolder;
  } catch (error) {
    console.error(`console: the page can't be built: ${error.message}\nEverything else works without it; try: npm ci`);
    return undefined;
  }
}

/** Into a folder of its own, which takes the place of the old one when it is whole. */
function build(node) {
  const folder = join(dist, `page-${process.pid}`);
  mkdirSync(dist, { recursive: true });
  try {
    const options = [
      '--outDir',
      folder,
      '--emptyOutDir',
      '--manifest',
      MANIFEST,
      '--bypass-lock',
      '--logLevel',
      'warn',
    ];
    const args = [vite, 'build', join(workspace, 'page'), ...options];
    const { status, error, stdout, stderr } = spawnSync(node, args, { cwd: workspace, encoding: 'utf8' });
    if (status !== 0) throw new Error(error?.message ?? `${stdout}${stderr}`.trim());
    const files = listFiles(folder).filter((file) => file !== MANIFEST);
    for (const file of files) {
      const content = readFileSync(join(folder, file));
      writeFileSync(join(folder, `${file}.br`), brotliCompressSync(content));
      writeFileSync(join(folder, `${file}.gz`), gzipSync(content, { level: 9 }));
    }
    // The console serves what is listed here, and nothing else.
    writeFileSync(join(folder, 'files.json'), JSON.stringify(files));
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const files = statSync(join(root, path)).isDirectory()
      ? listFiles(join(root, path)).map((file) => join(path, file))
      : [path];
    for (const file of files)
      hash
        .update(`${file}\0`)
        .update(readFileSync(join(root, file)))
        .update('\0');
  }
  return hash.digest('hex');
}

function listFiles(folder, below = '') {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? listFiles(folder, `${below}${entry.name}/`) : [`${below}${entry.name}`],
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.exitCode = ensureConsolePage(ensureSetup()) === undefined ? 1 : 0;
}
