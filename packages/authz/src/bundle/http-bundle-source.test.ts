/** A bundle server, real: what is taken, what is kept when it fails, and each answer that is no bundle. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { bundleWith, CALLER, httpInput, MASKED_CALLER, SELF } from '../../test/bundles.ts';
import { createPolicyEngine, type PolicyEngine, type PolicyEvent } from '../policy-engine.ts';
import type { BundleServerOptions } from './http-bundle-source.ts';

const good = await bundleWith();
const revoked = await bundleWith({
  data: JSON.stringify({ grants: { [SELF]: { [MASKED_CALLER]: { 'GET /': {} } } } }),
});
const LONG_POLLS = 'application/vnd.openpolicyagent.bundles';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundles/shop.tar.gz?token=secret`;
}

async function engineAt(t: TestContext, url: string, options: Partial<BundleServerOptions> = {}, maxBytes?: number) {
  const limits = maxBytes === undefined ? {} : { maxBytes };
  const server = { url, timeoutMs: 5000, ...options };
  const engine = await createPolicyEngine({ server, limits });
  t.after(() => engine.close());
  return engine;
}

const send = (response: ServerResponse, bytes: Uint8Array, headers: Record<string, string> = {}): void =>
  void response.writeHead(200, { 'content-type': 'application/gzip', ...headers }).end(bytes);

const eventOf = (engine: PolicyEngine, type: PolicyEvent['type']): Promise<PolicyEvent> =>
  new Promise((resolve) => {
    const stop = engine.subscribe((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event);
    });
  });

test('bundle server: a bundle is fetched, then asked for by its ETag, and 304 keeps it', async (t) => {
  const asked: IncomingMessage['headers'][] = [];
  const url = await serve(t, (request, response) => {
    asked.push(request.headers);
    if (request.headers['if-none-match'] === '"one"') response.writeHead(304).end();
    else send(response, good, { etag: '"one"' });
  });
  const engine = await engineAt(t, url, { headers: () => ({ authorization: 'Bearer t' }) });
  const before = engine.status();
  const events: PolicyEvent[] = [];
  engine.subscribe((event) => events.push(event));
  const after = await engine.reload();
  assert.equal(engine.decide(httpInput()).allow, true);
  assert.equal(
    before.state === 'loaded' && after.state === 'loaded' && after.loadedAt.getTime(),
    before.state === 'loaded' && before.loadedAt.getTime(),
  );
  assert.deepEqual(events, []);
  assert.deepEqual(
    asked.map((headers) => [headers['if-none-match'], headers['prefer'], headers.authorization]),
    [
      [undefined, 'modes=snapshot', 'Bearer t'],
      ['"one"', 'modes=snapshot', 'Bearer t'],
    ],
  );
  assert.match(after.source, /^http:\/\/127\.0\.0\.1:\d+\/bundles\/shop\.tar\.gz$/);
});

test('bundle server: long polling, once the server says that it can', { timeout: 20_000 }, async (t) => {
  let held: ServerResponse | undefined;
  const holding = Promise.withResolvers<string | undefined>();
  const url = await serve(t, (request, response) => {
    if (request.headers['if-none-match'] === undefined)
      return send(response, good, { etag: '"one"', 'content-type': LONG_POLLS });
    held = response;
    holding.resolve(String(request.headers['prefer']));
  });
  const engine = await engineAt(t, url, { longPollSeconds: 30, pollMs: [1, 1] });
  assert.equal(await holding.promise, 'modes=snapshot;wait=30');
  const loaded = eventOf(engine, 'loaded');
  if (held !== undefined) send(held, revoked, { etag: '"two"', 'content-type': LONG_POLLS });
  await loaded;
  assert.equal(engine.decide(httpInput()).allow, false);
});

test('bundle server: a bundle that is refused is asked for again, and the last good one stays', async (t) => {
  const etags: unknown[] = [];
  const url = await serve(t, (request, response) => {
    etags.push(request.headers['if-none-match']);
    if (etags.length === 1) send(response, good, { etag: '"one"' });
    else send(response, good.subarray(0, 500), { etag: '"broken"' });
  });
  const engine = await engineAt(t, url);
  await engine.reload();
  const status = await engine.reload();
  assert.equal(status.error?.code, 'BUNDLE_INVALID');
  assert.equal(engine.decide(httpInput()).allow, true);
  assert.deepEqual(etags, [undefined, '"one"', '"one"']);
});

test('bundle server: after failures it is asked by itself, the policy grows stale, and recovers', {
  timeout: 20_000,
}, async (t) => {
  let [answers, away] = [0, true];
  const url = await serve(t, (request, response) => {
    answers += 1;
    if (answers > 1 && away) response.writeHead(500).end();
    else if (request.headers['if-none-match'] === '"one"') response.writeHead(304).end();
    else send(response, good, { etag: '"one"' });
  });
  const engine = await engineAt(t, url, { pollMs: [1, 2], backoff: { initialMs: 1, maxMs: 2 } });
  const { promise: stale, resolve } = Promise.withResolvers<void>();
  const stop = engine.subscribe(() => {
    const status = engine.status();
    if (status.state === 'loaded' && status.stale) resolve();
  });
  await stale;
  stop();
  const status = engine.status();
  assert.equal(status.error?.code, 'BUNDLE_SOURCE');
  assert.ok(status.failedChecks >= 3);
  assert.equal(engine.decide(httpInput()).allow, true);
  const recovered = eventOf(engine, 'recovered');
  away = false;
  await recovered;
  const after = engine.status();
  assert.equal(after.state === 'loaded' && after.stale, false);
  assert.equal(after.error, undefined);
});

test('bundle server: closing ends a request under way', async (t) => {
  const { promise: asked, resolve } = Promise.withResolvers<ServerResponse>();
  let first = true;
  const url = await serve(t, (_request, response) => {
    if (first) send(response, good, { etag: '"one"' });
    else resolve(response);
    first = false;
  });
  const engine = await engineAt(t, url);
  const reloading = engine.reload();
  const response = await asked;
  const closed = once(response, 'close');
  engine.close();
  await closed;
  assert.equal((await reloading).state, 'unavailable');
});

const elsewhere = 'http://127.0.0.1:9/';
const REFUSED: [name: string, message: RegExp, listener: RequestListener, options?: Partial<BundleServerOptions>][] = [
  [
    'a page',
    /must send a bundle, got "text\/html"/,
    (_, response) => send(response, good, { 'content-type': 'text/html; charset=utf-8' }),
  ],
  [
    'JSON',
    /must send a bundle, got "application\/json"/,
    (_, response) => send(response, good, { 'content-type': 'application/json' }),
  ],
  ['404', /must answer 200 or 304, got 404/, (_, response) => void response.writeHead(404).end(good)],
  ['401', /must answer 200 or 304, got 401/, (_, response) => void response.writeHead(401).end(good)],
  ['206', /must answer 200 or 304, got 206/, (_, response) => void response.writeHead(206).end(good)],
  ['a redirect', /must not redirect/, (_, response) => void response.writeHead(302, { location: elsewhere }).end()],
  [
    'a lasting redirect',
    /must not redirect/,
    (_, response) => void response.writeHead(308, { location: elsewhere }).end(),
  ],
  ['304 to a first request', /must not answer 304/, (_, response) => void response.writeHead(304).end()],
  ['a coded body', /unencoded/, (_, response) => send(response, good, { 'content-encoding': 'gzip' })],
  [
    'an announced size that is too large',
    /at most 100000 bytes/,
    (_, response) => void response.writeHead(200, { 'content-length': '100001' }).write('x'),
  ],
  [
    'a body that grows too large',
    /at most 100000 bytes/,
    (_, response) => void response.writeHead(200).write(Buffer.alloc(200_000)),
  ],
  [
    'a body that never ends',
    /must answer within 200 ms/,
    (_, response) => void response.writeHead(200).write('x'),
    { timeoutMs: 200 },
  ],
  ['no answer', /must answer within 200 ms/, () => {}, { timeoutMs: 200 }],
  [
    'a connection cut in the body',
    /must be reachable/,
    (_, response) => void response.writeHead(200, { 'content-length': '9' }).write('x', () => response.destroy()),
  ],
  ['a connection cut at once', /must be reachable/, (request) => void request.socket.destroy()],
  ['no bundle', /whole gzip/, (_, response) => send(response, Buffer.from('no gzip'))],
];
for (const [name, message, listener, options] of REFUSED) {
  test(`bundle server: refused: ${name}`, { timeout: 20_000 }, async (t) => {
    const engine = await engineAt(t, await serve(t, listener), options, 100_000);
    const status = engine.status();
    assert.equal(status.state, 'unavailable');
    assert.match(status.error?.message ?? '', message);
    assert.equal(engine.peersOf(SELF).has(CALLER), false);
  });
}

const WRONG: [name: string, server: BundleServerOptions][] = [
  ['plain HTTP to another host', { url: 'http://bundles.example.org/shop.tar.gz' }],
  ['plain HTTP to a name, whatever it resolves to', { url: 'http://localhost/shop.tar.gz' }],
  ['plain HTTP to a name that looks like loopback', { url: 'http://127.0.0.1.example.org/' }],
  ['a user name', { url: 'https://user@bundles.example.org/' }],
  ['another scheme', { url: 'file:///tmp/bundle.tar.gz' }],
  ['no URL', { url: 'bundles' }],
  ['a poll that is never', { url: elsewhere, pollMs: [0, 0] }],
  ['a poll backwards', { url: elsewhere, pollMs: [2, 1] }],
  ['a long poll of days', { url: elsewhere, longPollSeconds: 100_000 }],
];
for (const [name, server] of WRONG) {
  test(`bundle server: no engine with ${name}`, async () => {
    await assert.rejects(createPolicyEngine({ server }), TypeError);
  });
}
