/**
 * An address that neither connects nor refuses, on the wire: a listener whose queue is full, for which the kernel tries for
 * minutes. Linux alone drops what does not fit, and has all of 127.0.0.0/8.
 */
import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import dns from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mock, type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { createCa, createWorkload, ManualClock } from '../test/adapter-fixture.ts';
import { createChannel, EchoClient, startGrpc } from '../test/grpc-fixture.ts';
import { authorizeId } from './authorizers.ts';

const [SILENT, ALIVE] = ['127.0.0.1', '127.0.0.2'];
const skip = process.platform === 'linux' ? false : 'Linux alone';

/** Listens, tells its port, and never accepts. */
const DEAF = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer().listen({ port: workerData, host: '${SILENT}', backlog: 1 }, () => {
    parentPort.postMessage('listening');
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** Resolves when nobody gets through to it any more. */
async function startDeaf(t: TestContext, port: number): Promise<Worker> {
  const worker = new Worker(DEAF, { eval: true, workerData: port });
  t.after(() => worker.terminate());
  await once(worker, 'message');
  const crowd = [...Array(8)].map(() => connect({ port, host: SILENT }).on('error', () => {}));
  t.after(() => {
    for (const socket of crowd) socket.destroy();
  });
  await Promise.race(crowd.map((socket) => once(socket, 'connect')));
  return worker;
}

/** Resolves when somebody in this process begins to connect. */
function nextAttempt(): Promise<unknown> {
  return new Promise((resolve) => {
    const listener = (message: unknown) => {
      diagnosticsChannel.unsubscribe('net.client.socket', listener);
      resolve(message);
    };
    diagnosticsChannel.subscribe('net.client.socket', listener);
  });
}

test('where an address does not answer, calls go to where the name leads by then; who waited there hears what the kernel does', {
  skip,
}, async (t) => {
  const ca = await createCa();
  const [server, client] = [await createWorkload(ca, 'server'), await createWorkload(ca, 'client')];
  const { port } = await startGrpc(
    t,
    { source: server.source, authorize: authorizeId(client.id) },
    { unary: (call, callback) => callback(null, { text: call.request.text }) },
    [],
    ALIVE,
  );
  const deaf = await startDeaf(t, port);
  let address = SILENT;
  mock.method(dns, 'lookup', async () => [{ address, family: 4 }]);
  t.after(() => mock.restoreAll());
  const clock = new ManualClock();
  const options = { source: client.source, authorize: authorizeId(server.id), clock };
  const channelOptions = { 'grpc.max_reconnect_backoff_ms': 500, 'grpc.dns_min_time_between_resolutions_ms': 1 };
  const echo = new EchoClient(createChannel(t, { ...options, address: `server.test:${port}`, channelOptions }, port));

  const attempt = nextAttempt();
  const waiting = echo.unary('first');
  await attempt;
  address = ALIVE;
  clock.advance(10_599);
  await assert.rejects(echo.unary('too early', { deadline: Date.now() + 200 }), /DEADLINE_EXCEEDED/);
  clock.advance(1);
  assert.equal(await echo.unary('second', { deadline: Date.now() + 5_000 }), 'second');
  await deaf.terminate();
  await assert.rejects(waiting, /UNAVAILABLE.*ECONNREFUSED/s);
});
