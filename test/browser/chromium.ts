/** The machine's own Chromium, without a window. `npm run test:browser` says where it is. */
import { type Browser, chromium } from 'playwright-core';

export function launchChromium(env: NodeJS.ProcessEnv = process.env): Promise<Browser> {
  const executablePath = env['COUNTERSIGN_CHROMIUM'];
  if (executablePath === undefined || executablePath === '')
    throw new TypeError('test: COUNTERSIGN_CHROMIUM must be the path of Chromium: run npm run test:browser');
  return chromium.launch({
    executablePath,
    headless: true,
    // As root, Chromium refuses to start with its sandbox; nothing but our own page is opened.
    chromiumSandbox: process.getuid?.() !== 0,
  });
}
