/**
 * Builds Go programs from the pins in `test/peers/build` and `test/cluster/build`, outside the checkout. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inCopyOf } from './pins.mjs';

const GO = { major: 1, minor: 26 };

/** Throws an error that says what is missing. */
export function checkGo(name, { version, cgo }, env) {
  const { status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env, cwd: tmpdir() });
  const [major, minor] =
    /^go(\d+)\.(\d+)/
      .exec(stdout ?? '')
      ?.slice(1)
      .map(Number) ?? [];
  const either = `needs ${name} ${version} on PATH, or Go ${GO.major}.${GO.minor} or newer to build it (https://go.dev/dl)`;
  if (status !== 0) throw new Error(`${name}: ${either}; Go is not installed`);
  if (major < GO.major || (major === GO.major && minor < GO.minor))
    throw new Error(`${name}: ${either}; this is ${stdout.trim()}`);
  if (cgo && !['cc', 'gcc', 'clang'].some((cc) => spawnSync(env.CC || cc, ['--version']).status === 0))
    throw new Error(`${name}: needs a C compiler to be built (${cgo}): install gcc, or put ${name} ${version} on PATH`);
}

/** Builds a program, or all that its module makes in one go, and renames each into place when all are whole. */
export function buildWithGo(program, tool, env) {
  const { module, main, mains, prepare } = tool;
  const folder = dirname(program);
  mkdirSync(folder, { recursive: true });
  const fresh = mkdtempSync(join(folder, 'new-'));
  // Several are named by go itself, after the last part of what is built.
  const output = mains === undefined ? [join(fresh, basename(program)), main] : [`${fresh}/`, ...mains];
  const go = { ...env, GOWORK: 'off', ...cgoOf(tool) };
  try {
    inCopyOf(module, (cwd) => {
      prepare?.(cwd, go);
      const args = ['build', ...flagsOf(tool), '-o', ...output];
      const { status, signal } = spawnSync('go', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env: go });
      if (status !== 0) throw new Error(`${module}: go build ended with ${status ?? signal}, see above`);
    });
    for (const name of readdirSync(fresh)) renameSync(join(fresh, name), join(folder, name));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function flagsOf({ tags = '', ldflags = '' }) {
  return ['-mod=readonly', '-trimpath', '-p', '2', `-tags=${tags}`, `-ldflags=-s -w ${ldflags}`];
}

/** `static`: for an image that holds nothing else. */
function cgoOf({ cgo, static: alone }) {
  if (cgo) return { CGO_ENABLED: '1' };
  return alone ? { CGO_ENABLED: '0' } : {};
}
