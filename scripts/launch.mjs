/**
 * Runs one of the repository's programs under Node 24, after the set-up: signals and the exit code pass through, and the
 * program learns by its channel when this process was killed.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ensureSetup, root } from './setup.mjs';
import { stopWithParent } from './stop-with-parent.mjs';

const programs = {
  start: 'packages/local-stack/src/start/main.ts',
  rogue: 'packages/local-stack/src/rogue/main.ts',
  inspect: 'packages/local-stack/src/inspect/main.ts',
  policy: 'packages/local-stack/src/policy/main.ts',
  doctor: 'packages/local-stack/src/doctor/main.ts',
  'trust-domain': 'packages/dev-trust-domain/src/cli.ts',
  kind: 'packages/local-stack/src/kind/main.ts',
  prove: 'test/prove/main.ts',
  matrix: 'test/matrix/main.ts',
  mutate: 'test/matrix/mutate-main.ts',
};

/**
 * @param {string | undefined} name @param {string[]} args @param {Record<string, string>} variables on top of ours
 * @param {{ node: string, root: string, remove(): void }} [elsewhere] in place of the checkout; removed afterwards
 */
export function launch(name, args, variables = {}, elsewhere) {
  if (name === undefined || !Object.hasOwn(programs, name)) {
    console.error(`usage: node scripts/run.mjs ${Object.keys(programs).join(' | ')} [arguments]`);
    process.exit(2);
  }
  const place = elsewhere ?? { node: ensureSetup(), root, remove() {} };
  const state = resolve(process.env.COUNTERSIGN_STATE_DIR || join(root, '.countersign'));
  const child = spawn(place.node, [join(place.root, programs[name]), ...args], {
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
    place.remove();
    console.error(`${place.node} can't be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    place.remove();
    process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0));
  });
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
