/**
 * Makes a fresh clone fit to run: checks Node, installs packages when they are missing or out of date, and finds the
 * Node 24 that runs the TypeScript. Plain JavaScript for Node >= 20.19 and nothing but built-in modules: it runs first.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const lockFile = join(root, 'package-lock.json');
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.countersign-setup');

/** @returns {string} path of the Node that runs the programs */
export function ensureSetup() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    stop(`Node ${process.versions.node} is too old: install Node 20.19 or newer`);
  if (!isInstalled()) install();
  return findNode();
}

/** Up to date when our stamp has the lock file's hash, or when npm itself installed after the lock file last changed. */
function isInstalled() {
  const hash = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash) return true;
  const installed = statSync(join(modules, '.package-lock.json'), { throwIfNoEntry: false });
  if (installed === undefined || installed.mtimeMs < statSync(lockFile).mtimeMs) return false;
  writeStamp(hash);
  return true;
}

function install() {
  if (!isWritable(root) || (existsSync(modules) && !isWritable(modules))) {
    stop(
      `${root} is read-only for this user and its packages are not installed: copy it to a folder you can write to, or have its owner run npm ci there`,
    );
  }
  console.log(
    existsSync(modules)
      ? 'set-up: packages changed, installing'
      : 'set-up: installing packages, once; takes a minute or so',
  );
  const startedAt = Date.now();
  // npm itself, when it started us: the same version with the same configuration. Install scripts are not needed.
  const npm = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const { status, error } = spawnSync(npm[0], [...npm.slice(1), ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    stop(
      `npm ci failed (${error?.message ?? `exit code ${status}`}), see above. Without a network it needs a filled cache: npm ci --offline. Behind a proxy or mirror: npm config set registry <url>`,
    );
  }
  writeStamp(createHash('sha256').update(readFileSync(lockFile)).digest('hex'));
  console.log(`set-up: done in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/** The one that came with the packages, else this one if it is new enough (there is none in npm for macOS in this version). */
function findNode() {
  const packaged = join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  // It is there and does not run where the C library is another one.
  if (existsSync(packaged) && spawnSync(packaged, ['--version'], { stdio: 'ignore' }).status === 0) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return stop(
    `the programs need Node 24, this is ${process.versions.node}, and no packaged one runs here: install Node 24 and try again (on Linux with glibc: npm ci --include=optional)`,
  );
}

function writeStamp(hash) {
  if (isWritable(modules)) writeFileSync(stampFile, hash);
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function stop(message) {
  console.error(`set-up: ${message}`);
  process.exit(1);
}
