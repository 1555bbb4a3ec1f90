/**
 * `npm run generate`: makes everything that is generated and committed. With `--check` it writes nothing and fails when
 * something is out of date. The policy bundle needs the OPA binary (see scripts/opa.mjs).
 */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';

const GENERATORS = [
  'scripts/generate-contracts.ts',
  'scripts/generate-policies.ts',
  'scripts/generate-coverage.ts',
  'scripts/generate-telemetry.ts',
  'scripts/generate-refusals.ts',
  'scripts/generate-matrix.ts',
  'scripts/generate-kind.ts',
];
const PACKAGES = ['--filter=@countersign/spiffe-tls', '--filter=@countersign/dev-trust-domain'];

const node = ensureSetup();
const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
const flags = process.argv.slice(2);
for (const generator of GENERATORS) run(node, [generator, ...flags]);
// The reference is read from the types of the built packages.
run('turbo', ['run', 'build', '--output-logs=errors-only', ...PACKAGES]);
run(node, ['scripts/generate-reference.ts', ...flags]);

function run(command, args) {
  const env = { ...process.env, PATH: path, TURBO_TELEMETRY_DISABLED: '1' };
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (result.status !== 0) process.exit(result.status ?? 1);
}
