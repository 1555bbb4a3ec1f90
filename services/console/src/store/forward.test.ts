/** Exports sent on to a Collector that takes them, refuses them, is slow, is away, or is this console itself. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { RawExport } from '@countersign/otlp-receiver';
import { createForwarder, type ForwarderOptions, type ForwardState } from './forward.ts';

const RAW: RawExport = {
  signal: 'traces',
  body: Buffer.from('as it came'),
  contentType: 'application/x-protobuf',
  contentEncoding: 'gzip',
};

async function listen(context: TestContext, handle: RequestListener): Promise<URL> {
  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  return new URL(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/base/`);
}

function start(context: TestContext, endpoint: URL, options: Partial<ForwarderOptions> = {}) {
  const states: ForwardState[] = [];
  const forwarder = createForwarder({
    endpoint,
    headers: new Map([['x-api-key', 'secret']]),
    onState: (state) => void states.push(state),
    ...options,
  });
  context.after(() => forwarder.close(0));
  return { forwarder, states };
}

test('a Collector gets what came, byte for byte, with the headers', async (context) => {
  const got: { url: string | undefined; headers: IncomingHttpHeaders; body: string }[] = [];
  const endpoint = await listen(context, async (request, response) => {
    got.push({ url: request.url, headers: request.headers, body: Buffer.concat(await request.toArray()).toString() });
    response.end();
  });
  const { forwarder, states } = start(context, endpoint);
  forwarder.take(RAW);
  forwarder.take({ signal: 'logs', body: Buffer.from('{}'), contentType: 'application/json' });
  await forwarder.close(5_000);
  assert.deepEqual(
    got.map(({ url, headers, body }) => [
      url,
      headers['content-type'],
      headers['content-encoding'],
      headers['x-api-key'],
      body,
    ]),
    [
      ['/base/v1/traces', 'application/x-protobuf', 'gzip', 'secret', 'as it came'],
      ['/base/v1/logs', 'application/json', undefined, 'secret', '{}'],
    ],
  );
  assert.deepEqual([forwarder.stats(), states], [{ sent: 2, dropped: 0, queued: 0, state: 'sending' }, []]);
});

test('what it refuses is dropped, and said once', async (context) => {
  const endpoint = await listen(context, (request, response) =>
    request.resume().on('end', () => response.writeHead(401).end()),
  );
  const { forwarder, states } = start(context, endpoint);
  for (let index = 0; index < 3; index += 1) forwarder.take(RAW);
  await forwarder.close(5_000);
  assert.deepEqual([forwarder.stats().dropped, states], [3, [{ state: 'away', why: 'HTTP 401' }]]);
});

test('a redirect is not followed: the headers are for the endpoint alone', async (context) => {
  const other = await listen(context, () => assert.fail('it was followed'));
  const endpoint = await listen(context, (request, response) =>
    request.resume().on('end', () => response.writeHead(307, { location: other.href }).end()),
  );
  const { forwarder, states } = start(context, endpoint);
  forwarder.take(RAW);
  await forwarder.close(5_000);
  assert.deepEqual(states, [{ state: 'away', why: 'HTTP 307' }]);
});

test('while it is slow the queue fills, and what is beyond it is dropped', async (context) => {
  let answer = () => {};
  const arrived = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const endpoint = await listen(context, () => answer());
  const { forwarder } = start(context, endpoint, { maxQueueBytes: RAW.body.length * 2 });
  forwarder.take(RAW);
  await arrived;
  for (let index = 0; index < 5; index += 1) forwarder.take(RAW);
  assert.deepEqual(forwarder.stats(), { sent: 0, dropped: 3, queued: 2, state: 'sending' });
  await forwarder.close(0);
  assert.deepEqual(forwarder.stats(), { sent: 0, dropped: 6, queued: 0, state: 'away' });
});

test('while it is away nothing waits', async (context) => {
  const { forwarder, states } = start(context, new URL('http://127.0.0.1:1'));
  for (let index = 0; index < 4; index += 1) forwarder.take(RAW);
  await forwarder.close(5_000);
  assert.deepEqual(forwarder.stats(), { sent: 0, dropped: 4, queued: 0, state: 'away' });
  assert.equal(states.length, 1);
});

test('one that does not answer is given up after the time-out', async (context) => {
  const endpoint = await listen(context, () => {});
  const { forwarder, states } = start(context, endpoint, { timeoutMs: 20 });
  forwarder.take(RAW);
  await forwarder.close(5_000);
  assert.deepEqual(states, [{ state: 'away', why: 'TimeoutError' }]);
});

test('an endpoint that is this console is noticed at once, and nothing is sent any more', async (context) => {
  let sent = 0;
  const endpoint = await listen(context, async (request, response) => {
    sent += 1;
    const body = Buffer.concat(await request.toArray());
    // As the receiver would: what was forwarded comes in again.
    forwarder.take({ ...RAW, body, userAgent: request.headers['user-agent'] ?? '' });
    response.end();
  });
  const { forwarder, states } = start(context, endpoint);
  forwarder.take(RAW);
  await forwarder.close(5_000);
  forwarder.take(RAW);
  assert.deepEqual([sent, states, forwarder.stats().state], [1, [{ state: 'loop' }], 'loop']);
});
