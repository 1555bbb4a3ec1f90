/**
 * The one-node cluster of `npm run test:cluster` from outside: started by the scripts of `test/cluster/node`, entered, removed.
 * One that is kept is remembered in COUNTERSIGN_STATE_DIR, else in the checkout's `.countersign`. Plain JavaScript.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { root } from './setup.mjs';

export const FOLDER_PREFIX = 'countersign-node-';
const scripts = join(root, 'test', 'cluster', 'node');
const remembered = join(resolve(process.env.COUNTERSIGN_STATE_DIR || join(root, '.countersign')), 'cluster-node');

/** @returns {string | undefined} folder of the node that was kept, when it still runs */
export function keptNode() {
  if (!existsSync(remembered)) return undefined;
  const state = readFileSync(remembered, 'utf8').trim();
  return isRunning(state) ? state : undefined;
}

/** Resolves when pods can run on it. It dies with this process unless it is to be kept; then it is remembered. */
export async function startNode(state, isKept, signal) {
  const log = openSync(join(state, 'node.log'), 'a');
  const command = join(scripts, 'run.sh');
  const [program, args] = isKept ? [command, []] : ['setpriv', ['--pdeathsig', 'KILL', command]];
  const options = { detached: true, stdio: ['ignore', log, log], env: { ...process.env, STATE: state } };
  const node = spawn(program, args, options);
  node.unref();
  const isReady = () => existsSync(join(state, 'ready'));
  while (!isReady() && node.exitCode === null && node.signalCode === null) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (!isReady()) throw new Error(`the node did not start:\n${readFileSync(join(state, 'node.log'), 'utf8')}`);
  if (!isKept) return;
  mkdirSync(dirname(remembered), { recursive: true });
  writeFileSync(remembered, state);
}

/** Runs a command inside the node. @returns {Promise<boolean>} whether it succeeded */
export function inNode(state, command, { signal, stdio = 'inherit' }) {
  return succeeds(join(scripts, 'enter.sh'), command, { signal, stdio, env: { ...process.env, STATE: state } });
}

/** Kills the node, and fails when anything of it is left on the machine. */
export async function removeNode(state) {
  const env = { ...process.env, STATE: state };
  if (!(await succeeds(join(scripts, 'down.sh'), [], { stdio: 'inherit', env })))
    throw new Error(`${state}: something is left`);
  if (existsSync(remembered) && readFileSync(remembered, 'utf8').trim() === state) rmSync(remembered);
}

/** Of runs that were killed. Their nodes died with them, their folders and control groups did not. */
export async function removeDeadNodes() {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(FOLDER_PREFIX));
  const dead = folders
    .map((name) => join(tmpdir(), name))
    .filter((it) => existsSync(join(it, 'outer.pid')) && !isRunning(it));
  for (const state of dead) await removeNode(state);
}

function isRunning(state) {
  const file = join(state, 'outer.pid');
  if (!existsSync(file)) return false;
  const commandLine = join('/proc', readFileSync(file, 'utf8').trim(), 'cmdline');
  return existsSync(commandLine) && readFileSync(commandLine, 'utf8').includes('init.sh');
}

/** @returns {Promise<boolean>} rejects when the signal aborts it */
export function succeeds(program, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, ...options });
    child.on('error', reject);
    child.on('exit', (code) => resolve(code === 0));
  });
}
