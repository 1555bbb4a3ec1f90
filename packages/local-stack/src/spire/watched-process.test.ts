import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { startWatchedProcess, type WatchedProcess, type WatchedProcessOptions } from './watched-process.ts';

/** Programs stand in for SPIRE's: what is tested is how they are kept running. */
describe('a watched process', () => {
  const running: WatchedProcess[] = [];
  afterEach(async () => {
    for (const each of running.splice(0)) await each.stop();
  });

  function watch(script: string, options: Partial<WatchedProcessOptions> = {}) {
    const pids: number[] = [];
    const records: Record<string, unknown>[] = [];
    const started = startWatchedProcess({
      name: 'spire-agent',
      program: process.execPath,
      args: () => ['-e', script],
      waitUntilReady: () => Promise.resolve(),
      onStart: (pid) => pids.push(pid),
      log: (record) => records.push(record),
      ...options,
    });
    running.push(started);
    return { started, pids, records };
  }

  const stays = 'setInterval(() => {}, 1e9)';
  const lastPid = (pids: readonly number[]) => pids.at(-1) ?? 0;

  it('is started again when it ends on its own', async () => {
    const second = Promise.withResolvers<void>();
    const pids: number[] = [];
    const { started } = watch(stays, {
      onStart(pid) {
        pids.push(pid);
        if (pids.length === 2) second.resolve();
      },
    });
    await started.ready;
    process.kill(lastPid(pids), 'SIGKILL');
    await second.promise;
    assert.notEqual(pids[0], pids[1]);
  });

  it('is given up after five starts', async () => {
    const { started, pids } = watch('console.log(\'{"msg":"no"}\'); process.exit(3)');
    await assert.rejects(started.failed, {
      code: 'SPIRE_FAILED',
      message: /spire-agent ended on its own \(exit code 3\)/,
    });
    assert.equal(pids.length, 5);
  });

  it('is not started again when it ended before it was ready, and its last lines are told', async () => {
    const { started, pids } = watch('console.log("no such port"); process.exit(1)', {
      waitUntilReady: (ended) => once(ended, 'abort').then(() => Promise.reject(new Error('ended'))),
    });
    await assert.rejects(started.ready, { code: 'SPIRE_FAILED', message: /no such port/ });
    assert.equal(pids.length, 1);
  });

  it('that can not be started says so', async () => {
    const { started } = watch('', {
      program: '/nonexistent/spire-agent',
      waitUntilReady: (ended) => once(ended, 'abort').then(() => Promise.reject(new Error('ended'))),
    });
    await assert.rejects(started.ready, { code: 'SPIRE_FAILED', message: /ENOENT/ });
  });

  it('is killed when it does not end at SIGTERM, and not started again', async () => {
    const listening = createServer().listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const address = listening.address();
    assert.ok(typeof address === 'object' && address !== null);
    const connected = once(listening, 'connection');
    const script = `process.on('SIGTERM', () => {}); require('net').connect(${address.port}, '127.0.0.1').on('error', () => {}); ${stays}`;
    const { started, pids } = watch(script);
    const [socket] = await connected;
    await started.stop();
    socket.destroy();
    listening.close();
    assert.equal(pids.length, 1);
    assert.throws(() => process.kill(lastPid(pids), 0), { code: 'ESRCH' });
  });
});
