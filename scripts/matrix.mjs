/**
 * `npm run matrix [-- --only TEXT ...]`: tries every caller by every way in with every attack, and shows which got what.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureSetup, root } from './setup.mjs';

const program = process.argv.includes('--mutate') ? 'mutate-main.ts' : 'main.ts';
const args = process.argv.slice(2).filter((arg) => arg !== '--mutate');
const { status } = spawnSync(ensureSetup(), [join(root, 'test/matrix', program), ...args], {
  cwd: root,
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: join(root, '.countersign/cache'), ...process.env, NODE_ENV: 'test' },
});
process.exit(status ?? 1);
