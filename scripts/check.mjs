/**
 * `npm run check`: everything static that guards main, quickest first. Needs Node and npm alone; the policy checks that
 * need the OPA binary are `npm run policy:check`.
 */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';

const CHECKS = [
  ['format and lint', 'biome', ['check', '--error-on-warnings', '.']],
  ['types', 'tsc', ['--noEmit']],
  ['promise rules', 'oxlint', ['--type-aware']],
  ['dead code', 'knip', []],
  ['contracts: lint, breaking changes, generated code', 'node', ['scripts/generate-contracts.ts', '--check']],
  ['requirements: each has its tests', 'node', ['scripts/generate-coverage.ts', '--check']],
  ['telemetry: its names are documented', 'node', ['scripts/generate-telemetry.ts', '--check']],
  ['refusals: the reference is current', 'node', ['scripts/generate-refusals.ts', '--check']],
  ['deny matrix: its page is current', 'node', ['scripts/generate-matrix.ts', '--check']],
  ['cluster: what identities.json decides is current', 'node', ['scripts/generate-kind.ts', '--check']],
  ['cluster: manifests', 'node', ['scripts/check-kind.mjs']],
  ['console: types of its page, size of its first view', 'node', ['scripts/check-console.mjs']],
  ['builds', 'turbo', ['run', 'build', '--output-logs=errors-only']],
  ['reference and API reports are current', 'node', ['scripts/generate-reference.ts', '--check']],
];

const node = ensureSetup();
const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
let failed = 0;
for (const [title, command, args] of CHECKS) {
  const started = performance.now();
  const program = command === 'node' ? node : command;
  const env = { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1' };
  const result = spawnSync(program, args, { cwd: root, env, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const passed = result.status === 0;
  if (!passed) failed += 1;
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${title} (${seconds} s)`);
  if (!passed) console.log(result.error?.message ?? `${result.stdout}${result.stderr}`);
}
console.log(`check: ${CHECKS.length - failed} of ${CHECKS.length} passed`);
process.exit(failed === 0 ? 0 : 1);
