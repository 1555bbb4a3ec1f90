/**
 * `npm run test:cluster [-- files]`: a real Kubernetes with one node from nothing, SPIRE on it, everything else by the same
 * Tiltfile that people use, and the suite of test/cluster. Needs root on Linux; docs/reference/cluster-test.md says what more.
 * Nothing of it is left afterwards. `-- --keep` leaves the node running and takes the one that runs; the suite is only those
 * files of it that are named. `-- --down` removes it.
 */
import { mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FOLDER_PREFIX, inNode, keptNode, removeDeadNodes, removeNode, startNode } from './cluster-node.mjs';
import { endUnlessPossible, prepareFolder } from './cluster-setup.mjs';
import { ensureSetup } from './setup.mjs';

const chosen = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const [isKept, isDown] = ['--keep', '--down'].map((flag) => process.argv.includes(flag));
endUnlessPossible();
const node = ensureSetup();
const interrupted = new AbortController();
const { signal } = interrupted;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => interrupted.abort(new Error(name)));
try {
  process.exitCode = (await (isDown ? down() : test())) ? 0 : 1;
} catch (error) {
  console.error(`test:cluster: ${signal.aborted ? `ended by ${signal.reason.message}` : error.message}`);
  process.exitCode = 1;
}

async function down() {
  const state = keptNode();
  if (state !== undefined) await removeNode(state);
  await removeDeadNodes();
  return true;
}

async function test() {
  await removeDeadNodes();
  const kept = keptNode();
  if (kept !== undefined && !isKept)
    throw new Error(`a node is kept in ${kept}: use it by --keep, remove it by --down`);
  const state = kept ?? mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
  let stays = kept !== undefined;
  try {
    if (kept === undefined) {
      await timed('programs and images', () => prepareFolder(state, node, signal));
      await timed('node', () => startNode(state, isKept, signal));
      stays = isKept;
    }
    const passed = (await timed('tilt ci', () => tiltCi(state))) && (await timed('suite', () => suite(state)));
    if (!passed) await inNode(state, ['test/cluster/node/diagnose.sh'], { signal });
    return passed;
  } finally {
    if (stays) console.log('the node stays: test/cluster/node/enter.sh COMMAND; npm run test:cluster -- --down');
    else await timed('removal', () => removeNode(state));
  }
}

/** Its output holds every pod's log, so it goes to a file; the end of it is shown when it fails. */
async function tiltCi(state) {
  const file = join(state, 'log', 'tilt.log');
  const log = openSync(file, 'w');
  const passed = await inNode(state, ['tilt', 'ci', '--web-mode', 'prod', '--port', '0'], {
    signal,
    stdio: ['ignore', log, log],
  });
  if (!passed) console.error(readFileSync(file, 'utf8').split('\n').slice(-80).join('\n'));
  return passed;
}

async function suite(state) {
  const files = chosen.length > 0 ? chosen : isKept ? [] : ['test/cluster/*.test.ts'];
  const flags = ['--test', '--test-concurrency=1', '--test-timeout=600000', '--import=@countersign/testkit/leak-check'];
  return files.length === 0 || inNode(state, ['node', ...flags, ...files], { signal });
}

async function timed(what, run) {
  const startedAt = Date.now();
  const result = await run();
  console.log(`${what}: ${((Date.now() - startedAt) / 1000).toFixed(1)} s${result === false ? ', FAILED' : ''}`);
  return result;
}
