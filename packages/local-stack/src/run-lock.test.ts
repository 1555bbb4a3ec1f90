import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { findProcess, isRunning } from './process-identity.ts';
import { acquireRunLock, findLockHolder } from './run-lock.ts';

let state = '';
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'lock-'));
});
afterEach(() => rmSync(state, { recursive: true }));

describe('one running system a state directory', () => {
  it('the second is told who holds it and how to stop it', () => {
    const lock = acquireRunLock(state);
    assert.throws(() => acquireRunLock(state), {
      code: 'ALREADY_RUNNING',
      message: new RegExp(`process ${process.pid}.*kill ${process.pid}.*COUNTERSIGN_STATE_DIR`),
    });
    assert.equal(findLockHolder(state)?.pid, process.pid);
    lock.release();
    lock.release();
    assert.equal(findLockHolder(state), undefined);
    acquireRunLock(state).release();
    assert.deepEqual(readdirSync(state), []);
  });

  const stale: [name: string, content: () => string][] = [
    ['of a process that ended', () => JSON.stringify({ pid: spawnSync('true').pid, started: 'long ago' })],
    ['whose number another process has now', () => JSON.stringify({ pid: process.pid, started: 'another time' })],
    ['that was cut short', () => '{"pid":'],
    ['that is empty', () => ''],
  ];
  for (const [name, content] of stale) {
    it(`takes over a lock ${name}`, () => {
      writeFileSync(join(state, 'lock'), content());
      assert.equal(findLockHolder(state), undefined);
      const lock = acquireRunLock(state);
      assert.equal(findLockHolder(state)?.pid, process.pid);
      lock.release();
      assert.deepEqual(readdirSync(state), []);
    });
  }

  it("does not remove another's lock", () => {
    const lock = acquireRunLock(state);
    const other = JSON.stringify({ pid: 1, started: 'x' });
    writeFileSync(join(state, 'lock'), other);
    lock.release();
    assert.ok(existsSync(join(state, 'lock')));
    assert.equal(readFileSync(join(state, 'lock'), 'utf8'), other);
  });
});

describe('process identity', () => {
  it('this process, and no other with its number', () => {
    const self = findProcess(process.pid);
    assert.ok(self !== undefined && isRunning(self));
    assert.equal(isRunning({ ...self, started: `${self.started}1` }), false);
  });
  for (const pid of [0, -1, 1.5, Number.NaN, 2 ** 31 - 1]) {
    it(`${pid} is nobody`, () => assert.equal(findProcess(pid), undefined));
  }
});
