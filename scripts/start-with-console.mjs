/** What both starts have in common: the set-up, the console's page unless there is to be no console, then the system. */
import { ensureConsolePage } from './console-page.mjs';
import { launch } from './launch.mjs';
import { ensureSetup, root } from './setup.mjs';

/** @param {Record<string, string>} [variables] on top of ours */
export function startWithConsole(variables = {}) {
  const node = ensureSetup();
  if (process.env.COUNTERSIGN_CONSOLE !== 'off') ensureConsolePage(node);
  launch('start', process.argv.slice(2), variables, { node, root, remove() {} });
}
