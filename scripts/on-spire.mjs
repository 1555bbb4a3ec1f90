/**
 * Where and how a program of this repository runs on real SPIRE: as root on Linux, with SPIRE's programs, and in a checkout
 * that the users of the services can read. Ends the process with a message when something is missing. Plain JavaScript.
 */
import { readableCheckout } from './readable-checkout.mjs';
import { ensureSetup, root } from './setup.mjs';
import { spireEnvironment } from './spire-environment.mjs';

/**
 * @typedef {object} Place
 * @property {string} node the Node that runs the program
 * @property {string} root the checkout, or a copy of it
 * @property {Record<string, string>} env variables that say where identities come from
 * @property {() => void} remove removes the copy
 */

/** @param {string} command for messages @returns {Place} */
export function onSpire(command) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.error(`${command}: each service runs as a user of its own, which takes root and Linux; run it as root`);
    process.exit(1);
  }
  const env = { ...spireEnvironment(), COUNTERSIGN_IDENTITY_PROVIDER: 'spire' };
  try {
    return { ...readableCheckout(root, ensureSetup(), console.log), env };
  } catch (error) {
    console.error(`${command}: ${error.message}`);
    return process.exit(1);
  }
}

/**
 * Takes `--provider` out of the arguments.
 * @param {string} command for messages @param {readonly string[]} argv
 * @returns {{ args: string[], place: Place }} `COUNTERSIGN_IDENTITY_PROVIDER` says where without it
 */
export function takeProvider(command, argv) {
  const args = [...argv];
  const at = args.findIndex((arg) => arg === '--provider' || arg.startsWith('--provider='));
  const [given] = at < 0 ? [] : args.splice(at, args[at].includes('=') ? 1 : 2).slice(-1);
  const provider = given?.replace('--provider=', '') ?? process.env.COUNTERSIGN_IDENTITY_PROVIDER ?? 'embedded';
  if (provider === 'spire') return { args, place: onSpire(command) };
  // Whether it is a word at all is for the program to say.
  return { args, place: { node: ensureSetup(), root, env: { COUNTERSIGN_IDENTITY_PROVIDER: provider }, remove() {} } };
}
