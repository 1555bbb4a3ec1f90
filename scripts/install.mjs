/**
 * Installs the packages of the lock file when they are missing or out of date. Nothing but built-in modules: it runs first.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const modules = join(root, 'node_modules');
const lockFile = join(root, 'package-lock.json');
const stampFile = join(modules, '.countersign-setup');

/** @throws {Error} that says what to do */
export function ensurePackages() {
  const lock = readFileSync(lockFile);
  const hash = createHash('sha256').update(lock).digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash) return;
  if (!isNewerThanLock(join(modules, '.package-lock.json'))) install(JSON.parse(lock.toString()));
  if (isWritable(modules)) writeFileSync(stampFile, hash);
}

/** npm writes this file last: somebody installed by hand, after the lock file last changed. */
function isNewerThanLock(npmsOwn) {
  const installed = statSync(npmsOwn, { throwIfNoEntry: false });
  return installed !== undefined && installed.mtimeMs >= statSync(lockFile).mtimeMs;
}

function install(lock) {
  if (!isWritable(root) || (existsSync(modules) && !isWritable(modules))) {
    throw new Error(
      `${root} is read-only for this user and its packages are not installed: copy it to a folder you can write to, or have its owner run npm start there once`,
    );
  }
  console.log(
    existsSync(modules)
      ? 'set-up: packages changed, installing'
      : 'set-up: installing packages, once; takes a minute or so',
  );
  const startedAt = Date.now();
  // npm itself, when it started us: the same version with the same configuration.
  const { npm_execpath: npmScript } = process.env;
  const [command, ...first] = npmScript?.endsWith('.js') ? [process.execPath, npmScript] : ['npm'];
  const verb = isComplete(lock) ? ['ci'] : ['install', '--no-save'];
  const flags = [
    '--include=dev',
    '--include=optional',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const { status, error } = spawnSync(command, [...first, ...verb, ...flags], { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    throw new Error(
      `npm ${verb[0]} failed (${error?.message ?? `exit code ${status}`}), see above. No network: it needs a filled cache (npm ci --offline). Behind a mirror: npm config set registry <url>. Then try again`,
    );
  }
  console.log(`set-up: done in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

/**
 * `npm ci` refuses a lock file that was written where the registry has not the packages of every platform: it misses the
 * entries of those. `npm install` takes the same versions and hashes from it and does without what it does not find.
 */
function isComplete({ packages }) {
  const optional = Object.values(packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
  return optional.every((name) => Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)));
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
