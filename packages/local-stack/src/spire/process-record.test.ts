import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findProcess } from '../process-identity.ts';
import { layOutSpire } from './layout.ts';
import { recordProcess, stopRecordedProcesses } from './process-record.ts';

describe('processes that a killed run left behind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-record-'));
  const layout = layOutSpire(folder);
  mkdirSync(layout.root);
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  async function startSleeper(): Promise<{ child: ChildProcess; pid: number }> {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore' });
    children.push(child);
    await once(child, 'spawn');
    assert.ok(child.pid);
    return { child, pid: child.pid };
  }

  it('are stopped, and forgotten', async () => {
    const { child, pid } = await startSleeper();
    const ended = once(child, 'exit');
    recordProcess(layout, pid);
    await stopRecordedProcesses(layout);
    const [, signal] = await ended;
    assert.equal(signal, 'SIGTERM');
    assert.equal(existsSync(layout.processes), false);
  });

  it('a stranger that has the number of one now is left alone', async () => {
    const { pid } = await startSleeper();
    appendFileSync(layout.processes, `${JSON.stringify({ pid, started: 'at another time' })}\n`);
    await stopRecordedProcesses(layout);
    assert.ok(findProcess(pid), 'still runs');
  });

  it('there may be none', async () => {
    await stopRecordedProcesses(layout);
    recordProcess(layout, 2 ** 30);
    assert.equal(existsSync(layout.processes), false);
  });
});
