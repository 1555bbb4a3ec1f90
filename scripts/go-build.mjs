/**
 * Builds a Go program from the pins in `test/peers/build`, outside the checkout. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
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
    throw new Error(
      `${name}: needs a C compiler to be built (its database is SQLite): install gcc, or put ${name} ${version} on PATH`,
    );
}

/** Renamed into place when whole. */
export function buildWithGo(program, { module, main, cgo, tags = '', ldflags = '' }, env) {
  const fresh = `${program}.${process.pid}.new`;
  mkdirSync(dirname(program), { recursive: true });
  const flags = ['-mod=readonly', '-trimpath', '-p', '2', `-tags=${tags}`, `-ldflags=-s -w ${ldflags}`];
  const args = ['build', ...flags, '-o', fresh, main];
  const go = { ...env, GOWORK: 'off', ...(cgo ? { CGO_ENABLED: '1' } : {}) };
  try {
    inCopyOf(module, (cwd) => {
      const { status, signal } = spawnSync('go', args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env: go });
      if (status !== 0) throw new Error(`${main}: go build ended with ${status ?? signal}, see above`);
    });
    renameSync(fresh, program);
  } finally {
    rmSync(fresh, { force: true });
  }
}
