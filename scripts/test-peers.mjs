/**
 * `npm run test:peers [-- files]`: the tests against real programs of the SPIFFE ecosystem. Builds or finds what they need
 * first (`npm run peers`), then compares what was seen with docs/reference/interop.md; `--update` writes that table. With
 * files named, the table is left alone.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTool, toolNames } from './peer-tools.mjs';
import { ensureSetup, root } from './setup.mjs';

const node = ensureSetup();
const update = process.argv.includes('--update');
const chosen = process.argv.slice(2).filter((argument) => argument !== '--update');
const records = mkdtempSync(join(tmpdir(), 'countersign-interop-'));
let passed = false;
try {
  const env = { ...process.env, ...programs(), COUNTERSIGN_INTEROP_RECORDS: records, NODE_ENV: 'test' };
  const files = chosen.length > 0 ? chosen : ['test/peers/*.test.ts'];
  const flags = ['--test', '--test-concurrency=1', '--test-timeout=240000', '--import=@countersign/testkit/leak-check'];
  passed = run([...flags, ...files], env);
  if (passed && chosen.length === 0)
    passed = run(['scripts/interop-table.ts', records, ...(update ? [] : ['--check'])], env);
} catch (error) {
  console.error(`test:peers: ${error.message}`);
} finally {
  rmSync(records, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);

/** @returns {Record<string, string>} where each program is: `COUNTERSIGN_PEER_GHOSTUNNEL` and so on */
function programs() {
  return Object.fromEntries(
    toolNames.map((name) => [
      `COUNTERSIGN_PEER_${name.toUpperCase().replaceAll('-', '_')}`,
      ensureTool(name, console.log),
    ]),
  );
}

function run(args, env) {
  return spawnSync(node, args, { cwd: root, stdio: 'inherit', env }).status === 0;
}
