/**
 * `npm run test:browser [files...]`: the console's page in a real browser, on a whole running system. Needs Chromium or
 * Chrome; builds the page first. One file at a time: each runs the system and a browser.
 */
import { spawn } from 'node:child_process';
import { ensureChromium } from './browser.mjs';
import { ensureConsolePage } from './console-page.mjs';
import { ensureSetup, root } from './setup.mjs';

const node = ensureSetup();
const env = { ...process.env, NODE_ENV: 'test' };
try {
  env.COUNTERSIGN_CHROMIUM = ensureChromium((text) => console.error(`test:browser: ${text}`));
} catch (error) {
  console.error(`test:browser: ${error.message}`);
  process.exit(1);
}
// What is wrong with the page was said.
if (ensureConsolePage(node) === undefined) process.exit(1);
const chosen = process.argv.slice(2);
const args = [
  '--test',
  '--test-concurrency=1',
  '--test-timeout=240000',
  '--import=@countersign/testkit/leak-check',
  ...(chosen.length > 0 ? chosen : ['test/browser/*.test.ts']),
];
const child = spawn(node, args, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
