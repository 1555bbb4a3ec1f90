/**
 * `node scripts/check-console.mjs`: the page's types, and that what a browser must load for the first view stays small. Part of
 * `npm run check`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureConsolePage, MANIFEST } from './console-page.mjs';
import { ensureSetup, root } from './setup.mjs';

/** What the page loads by itself: at once, and when it has come to rest. */
const AT_ONCE = ['src/map/flow.tsx', 'src/orders/orders-tab.tsx'];
const WHEN_IDLE = ['src/chart/chart-panel.tsx', 'src/tour/tour.tsx'];

/** KiB of brotli, which browsers take from loopback. */
const BUDGETS = [
  { what: 'frame', sources: ['index.html'], most: 140 },
  { what: 'first view (frame, map, orders)', sources: ['index.html', ...AT_ONCE], most: 200 },
  { what: 'first visit (chart and tour too)', sources: ['index.html', ...AT_ONCE, ...WHEN_IDLE], most: 240 },
];

const node = ensureSetup();
const problems = [...typeProblems(), ...sizeProblems(ensureConsolePage(node))];
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The page's own sources, and its tests, which have Node's types instead of a browser's. */
function typeProblems() {
  return ['tsconfig.json', 'tsconfig.test.json'].flatMap((project) => {
    const args = ['--noEmit', '-p', join('services/console/page', project)];
    const { status, error, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), args, {
      cwd: root,
      encoding: 'utf8',
    });
    return status === 0 ? [] : [error?.message ?? stdout];
  });
}

function sizeProblems(folder) {
  if (folder === undefined) return ['console: there is no page to measure'];
  const manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
  const gone = [...AT_ONCE, ...WHEN_IDLE].filter((source) => manifest[source] === undefined);
  if (gone.length > 0) return [`console: ${gone.join(', ')} is loaded no more: correct scripts/check-console.mjs`];
  return BUDGETS.flatMap(({ what, sources, most }) => judge(what, kibOf(folder, filesOf(manifest, sources)), most));
}

/** The files of these sources, and of all that they import before they run. */
function filesOf(manifest, sources) {
  const reached = new Set(sources);
  for (const source of reached) for (const imported of manifest[source].imports ?? []) reached.add(imported);
  const files = [...reached].flatMap((source) => [manifest[source].file, ...(manifest[source].css ?? [])]);
  return new Set(['index.html', ...files]);
}

function kibOf(folder, files) {
  return [...files].reduce((sum, file) => sum + statSync(join(folder, `${file}.br`)).size, 0) / 1024;
}

function judge(what, kib, most) {
  const found = `console: ${what} ${kib.toFixed(0)} KiB compressed, of at most ${most}`;
  console.log(found);
  return kib <= most ? [] : [found];
}
