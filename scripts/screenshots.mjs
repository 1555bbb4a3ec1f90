/**
 * `node scripts/screenshots.mjs [--all]`: draws the console's views of a running system with some orders and refusals, for
 * README and docs; `--all` draws every view in three widths, light and dark, to be looked at. Needs what
 * `npm run test:browser` needs.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from './browser.mjs';
import { ensureConsolePage } from './console-page.mjs';
import { ensureSetup, root } from './setup.mjs';

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false }, to: { type: 'string' } } });
const folder = values.to ?? (values.all ? join(root, '.countersign/screenshots') : join(root, 'docs/images'));
const node = ensureSetup();
try {
  const chromium = ensureChromium((text) => console.error(`screenshots: ${text}`));
  if (ensureConsolePage(node) === undefined) process.exit(1);
  const args = ['test/browser/screenshots-main.ts', folder, values.all ? 'all' : 'chosen'];
  const env = { ...process.env, COUNTERSIGN_CHROMIUM: chromium, NODE_ENV: 'test' };
  process.exit(spawnSync(node, args, { cwd: root, stdio: 'inherit', env }).status ?? 1);
} catch (error) {
  console.error(`screenshots: ${error.message}`);
  process.exit(1);
}
