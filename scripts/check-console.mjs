/**
 * `node scripts/check-console.mjs`: the page's types, and that what a browser must load for the first view stays small. Part of
 * `npm run check`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureConsolePage } from './console-page.mjs';
import { ensureSetup, root } from './setup.mjs';

/** Compressed, of the document, its styles, its entry and what that imports before it runs. */
const BUDGET_KIB = 200;

const node = ensureSetup();
const problems = [...typeProblems(), ...sizeProblems(ensureConsolePage(node))];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function typeProblems() {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status, error, stdout } = spawnSync(tsc, ['--noEmit', '-p', 'services/console/page'], {
    cwd: root,
    encoding: 'utf8',
  });
  return status === 0 ? [] : [error?.message ?? stdout];
}

/** Vite names in the document all that the entry imports statically: nothing else is loaded before the first view. */
function sizeProblems(folder) {
  if (folder === undefined) return ['console: there is no page to measure'];
  const document = readFileSync(join(folder, 'index.html'), 'utf8');
  const named = [...document.matchAll(/<(?:script|link)\b[^>]*?\b(?:src|href)="\/([^"]+)"/g)].map(([, path]) => path);
  if (!named.some((path) => path.endsWith('.js'))) return ['console: index.html loads no script'];
  const files = ['index.html', ...new Set(named)];
  const kib = (suffix) => files.reduce((sum, file) => sum + statSync(join(folder, `${file}${suffix}`)).size, 0) / 1024;
  const [brotli, gzip] = [kib('.br'), kib('.gz')];
  const first = `first view: ${files.length} files, ${brotli.toFixed(0)} KiB brotli, ${gzip.toFixed(0)} KiB gzip`;
  console.log(`console: ${first}`);
  return gzip <= BUDGET_KIB ? [] : [`console: ${first}; at most ${BUDGET_KIB} KiB`];
}
