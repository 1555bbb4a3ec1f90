/**
 * `npm run generate`: makes everything that is generated and committed. With `--check` it writes nothing and fails when
 * something is out of date. The policy bundle needs the OPA binary (see scripts/opa.mjs).
 */
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';

const GENERATORS = ['scripts/generate-contracts.ts', 'scripts/generate-policies.ts', 'scripts/generate-coverage.ts'];

const node = ensureSetup();
const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`;
const flags = process.argv.slice(2);
for (const generator of GENERATORS) {
  const result = spawnSync(node, [generator, ...flags], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
}
