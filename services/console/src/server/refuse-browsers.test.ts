/** The OTLP port against pages that would draw on the map, over a real socket. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, it } from 'node:test';
import { closeHttpServer, listenHttp, type Problem, parseHostNames } from '@countersign/service-kit';
import { askAt } from '../../test/console-rig.ts';
import { refuseBrowsers } from './refuse-browsers.ts';

let taken = 0;
const refused: Problem[] = [];
const handle = refuseBrowsers(
  (request, response) => {
    taken += 1;
    request.resume();
    response.end('taken');
  },
  { allowedHosts: parseHostNames(''), onRefusal: (problem) => void refused.push(problem) },
);
const server = createServer(handle);
let port = 0;

before(async () => {
  ({ port } = await listenHttp(server, { host: '127.0.0.1', port: 0 }));
});
after(() => closeHttpServer(server));

for (const [page, headers, status, reason] of [
  ['a page of another site', { origin: 'https://evil.example.com' }, 403, 'BROWSER_REFUSED'],
  ["the console's own page", { origin: 'http://127.0.0.1:8090' }, 403, 'BROWSER_REFUSED'],
  ['a page in a sandbox', { origin: 'null' }, 403, 'BROWSER_REFUSED'],
  ['a page that hides its origin', { 'sec-fetch-site': 'cross-site' }, 403, 'BROWSER_REFUSED'],
  ['a beacon', { 'sec-fetch-mode': 'no-cors' }, 403, 'BROWSER_REFUSED'],
  ['a worker', { 'sec-fetch-dest': 'empty' }, 403, 'BROWSER_REFUSED'],
  ['a rebound name', { host: 'evil.example.com' }, 421, 'HOST_NOT_SERVED'],
] as const) {
  for (const method of ['POST', 'OPTIONS']) {
    it(`${page}, ${method}: ${status}`, async () => {
      const before = taken;
      refused.length = 0;
      const answer = await askAt(port, { method, path: '/v1/traces', headers, body: method === 'POST' ? '{}' : '' });
      assert.deepEqual([answer.status, answer.reason, taken], [status, reason, before]);
      assert.deepEqual(
        refused.map((problem) => problem.reason),
        [reason],
      );
      assert.ok(!Object.keys(answer.headers).some((name) => name.startsWith('access-control-')));
    });
  }
}

it('a program is taken', async () => {
  const headers = { 'content-type': 'application/x-protobuf', 'user-agent': 'OTel-OTLP-Exporter-JavaScript' };
  assert.equal((await askAt(port, { method: 'POST', path: '/v1/traces', headers, body: 'x' })).status, 200);
});
