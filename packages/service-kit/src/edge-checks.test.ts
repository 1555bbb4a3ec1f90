import assert from 'node:assert/strict';
import { createServer, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { after, before, test } from 'node:test';
import { createEdgeChecks, parseHostNames } from './edge-checks.ts';
import { closeHttpServer, listenHttp } from './http-server.ts';

const allowedHosts = parseHostNames('shop.example.org');
const checks = createEdgeChecks({ allowedHosts });
const server = createServer((request, response) => checks(request, response, () => response.end('passed')));
let port = 0;

before(async () => {
  ({ port } = await listenHttp(server, { host: '127.0.0.1', port: 0 }));
});
after(() => closeHttpServer(server));

interface Answer {
  readonly status: number;
  readonly reason: string | undefined;
}

function ask(method: string, path: string, headers: OutgoingHttpHeaders): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false });
    request.once('error', reject);
    request.once('response', async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      const reason = response.statusCode === 200 ? undefined : String(JSON.parse(body).reason);
      resolve({ status: response.statusCode ?? 0, reason });
    });
    request.end();
  });
}

const at = (name: string) => `${name}:${port}`;
const orders = '/api/orders';

type Row = [
  name: string,
  method: string,
  path: string,
  headers: () => OutgoingHttpHeaders,
  status: number,
  reason?: string,
];

const table: Row[] = [
  ['curl at localhost', 'POST', orders, () => ({ host: at('localhost') }), 200],
  ['curl at 127.0.0.1', 'POST', orders, () => ({ host: at('127.0.0.1') }), 200],
  ['curl at [::1]', 'POST', orders, () => ({ host: at('[::1]') }), 200],
  ['a forwarded port', 'GET', orders, () => ({ host: 'localhost:9999' }), 200],
  ['a name that was allowed', 'GET', orders, () => ({ host: 'SHOP.example.org' }), 200],
  ['DNS rebinding', 'GET', orders, () => ({ host: at('evil.example.com') }), 421, 'HOST_NOT_SERVED'],
  ['a name that only begins well', 'GET', orders, () => ({ host: 'localhost.example.com' }), 421, 'HOST_NOT_SERVED'],
  ['a host with userinfo', 'GET', orders, () => ({ host: 'localhost@evil.example.com' }), 421, 'HOST_NOT_SERVED'],
  ['a host that is none', 'GET', orders, () => ({ host: '/' }), 421, 'HOST_NOT_SERVED'],
  [
    'the page itself',
    'POST',
    orders,
    () => ({ host: at('localhost'), origin: `http://${at('localhost')}`, 'sec-fetch-site': 'same-origin' }),
    200,
  ],
  [
    'a foreign page',
    'POST',
    orders,
    () => ({ host: at('localhost'), origin: 'https://evil.example.com' }),
    403,
    'ORIGIN_NOT_ALLOWED',
  ],
  ['a page in a sandbox', 'POST', orders, () => ({ host: at('localhost'), origin: 'null' }), 403, 'ORIGIN_NOT_ALLOWED'],
  [
    'another port on localhost',
    'POST',
    orders,
    () => ({ host: at('localhost'), origin: 'http://localhost:1' }),
    403,
    'ORIGIN_NOT_ALLOWED',
  ],
  [
    'another port on localhost, by fetch metadata',
    'POST',
    orders,
    () => ({ host: at('localhost'), 'sec-fetch-site': 'same-site' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a foreign page reading',
    'GET',
    orders,
    () => ({ host: at('localhost'), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a link to the page',
    'GET',
    '/',
    () => ({ host: at('localhost'), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
    200,
  ],
  [
    'a link to the API',
    'GET',
    orders,
    () => ({ host: at('localhost'), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a form on a foreign page',
    'POST',
    '/',
    () => ({ host: at('localhost'), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
];

for (const [name, method, path, headers, status, reason] of table) {
  test(`${name}: ${method} ${path} is answered ${status}`, async () => {
    assert.deepEqual(await ask(method, path, headers()), { status, reason });
  });
}

test('where an Origin is needed, a program without one is refused what changes state, and reads all the same', async () => {
  const refused: string[] = [];
  const onRefusal = (problem: { readonly reason?: string | undefined }) => void refused.push(problem.reason ?? 'none');
  const strict = createEdgeChecks({ allowedHosts, originNeeded: true, onRefusal });
  server.removeAllListeners('request');
  server.on('request', (request, response) => strict(request, response, () => response.end('passed')));
  const host = at('localhost');
  assert.deepEqual(await ask('POST', orders, { host }), { status: 403, reason: 'ORIGIN_NOT_ALLOWED' });
  assert.deepEqual(await ask('GET', orders, { host }), { status: 200, reason: undefined });
  assert.deepEqual(await ask('POST', orders, { host, origin: `http://${host}` }), { status: 200, reason: undefined });
  assert.deepEqual(refused, ['ORIGIN_NOT_ALLOWED']);
});

for (const text of ['http://x', 'name:80', 'a b', '*']) {
  test(`ALLOWED_HOSTS refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseHostNames(text), /must be host names without ports/);
  });
}
