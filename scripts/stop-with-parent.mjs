/**
 * A killed npm sends no signal, it is only gone, and the shell between it and us waits on: so npm itself is looked for. Plain
 * JavaScript.
 */
import { spawnSync } from 'node:child_process';

/** Sends SIGTERM to a child once npm, if it runs us, is gone. @param {import('node:child_process').ChildProcess} child */
export function stopWithParent(child) {
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
