/**
 * Makes a fresh clone fit to run: checks Node, installs packages, and finds the Node 24 that runs the TypeScript. Plain
 * JavaScript for Node >= 20.19 and nothing but built-in modules: it runs first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensurePackages, modules } from './install.mjs';

export { root } from './install.mjs';

/** Ends the process with a message when something is missing. @returns {string} path of the Node that runs the programs */
export function ensureSetup() {
  try {
    checkNode();
    ensurePackages();
    return findNode();
  } catch (error) {
    console.error(`set-up: ${error.message}`);
    return process.exit(1);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new Error(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
}

/** The one that came with the packages, else this one if it is new enough (npm has none for macOS in this version). */
function findNode() {
  const packaged = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  // It is there and does not run where the C library is another one.
  if (existsSync(packaged) && spawnSync(packaged, ['--version'], { stdio: 'ignore' }).status === 0) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Error(
    `the programs need Node 24, this is ${process.versions.node}, and no packaged one runs here: install Node 24 and try again (on Linux with glibc: npm ci --include=optional)`,
  );
}
