/**
 * Runs one of the repository's programs under Node 24, after the set-up: signals and the exit code pass through, and the
 * program learns by its channel when this process was killed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ensureSetup, root } from './setup.mjs';

const programs = {
  start: 'packages/local-stack/src/start/main.ts',
  rogue: 'packages/local-stack/src/rogue/main.ts',
  inspect: 'packages/local-stack/src/inspect/main.ts',
  policy: 'packages/local-stack/src/policy/main.ts',
  doctor: 'packages/local-stack/src/doctor/main.ts',
  'trust-domain': 'packages/dev-trust-domain/src/cli.ts',
  kind: 'packages/local-stack/src/kind/main.ts',
  prove: 'test/prove/main.ts',
};

/** @param {string | undefined} name @param {string[]} args @param {Record<string, string>} variables on top of ours */
export function launch(name, args, variables = {}) {
  if (name === undefined || !Object.hasOwn(programs, name)) {
    console.error(`usage: node scripts/run.mjs ${Object.keys(programs).join(' | ')} [arguments]`);
    process.exit(2);
  }
  const node = ensureSetup();
  const state = resolve(process.env.COUNTERSIGN_STATE_DIR || join(root, '.countersign'));
  const child = spawn(node, [join(root, programs[name]), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Compiled once, not at each start: saves about half of a warm one.
    env: {
      NODE_COMPILE_CACHE: join(state, 'cache'),
      ...process.env,
      ...variables,
      COUNTERSIGN_STATE_DIR: name === 'trust-domain' ? socketHome(state) : state,
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  stopWithParent(child);
  child.on('error', (error) => {
    console.error(`${node} can't be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
}

/** Where the sockets are: beside the state, or in a short folder elsewhere when this one is too deep for a socket's path. */
function socketHome(state) {
  try {
    const { control } = JSON.parse(readFileSync(join(state, 'system.json'), 'utf8'));
    return dirname(dirname(dirname(control)));
  } catch {
    return state;
  }
}

/** A killed npm sends no signal, it is only gone, and the shell between it and us waits on: look for npm itself. */
function stopWithParent(child) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const { stdout } = spawnSync('ps', ['-o', 'ppid=', '-p', String(process.ppid)], { encoding: 'utf8' });
  const ancestors = [process.ppid, Number(stdout)].filter((pid) => pid > 1);
  setInterval(() => {
    if (!ancestors.every(isAlive)) child.kill('SIGTERM');
  }, 500).unref();
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}
