/** The console's guards, attacked over a real socket, as a page of another site would and as it could not. */
import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { type ConsoleRig, pageHeaders, startRig } from '../../test/console-rig.ts';
import { createLoad } from '../controls/load.ts';
import { TOKEN_HEADER } from '../wire/actions.ts';

let rig: ConsoleRig;
let changed = 0;

const count = () => {
  changed += 1;
};

before(async () => {
  const load = createLoad({ place: async () => undefined, onState: count });
  rig = await startRig({ load });
});
after(() => rig[Symbol.asyncDispose]());

const EVIL = 'https://evil.example.com';
const CHANGES = '/api/load';
const own = () => pageHeaders(rig.origin, rig.token);
const without = (name: string): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(own()).filter(([header]) => header !== name));

type Row = [
  attack: string,
  request: () => { method: string; path: string; headers: OutgoingHttpHeaders },
  status: number,
  reason: string | undefined,
];

const change = (headers: OutgoingHttpHeaders) => ({ method: 'POST', path: CHANGES, headers });
const read = (path: string, headers: OutgoingHttpHeaders) => ({ method: 'GET', path, headers });

const attacks: Row[] = [
  ['DNS rebinding reads the token', () => read('/api/session', { host: 'evil.example.com' }), 421, 'HOST_NOT_SERVED'],
  [
    'DNS rebinding, as same-origin as it can be',
    () =>
      change({
        ...own(),
        host: `evil.example.com:${rig.port}`,
        origin: `http://evil.example.com:${rig.port}`,
      }),
    421,
    'HOST_NOT_SERVED',
  ],
  [
    'a foreign page reads the token',
    () => read('/api/session', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: EVIL }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'another port of loopback reads the token',
    () => read('/api/session', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a foreign page opens the stream of events',
    () => read('/api/events', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: EVIL }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a foreign page loads the API as a script',
    () =>
      read('/api/session', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a foreign page asks what it may send',
    () => ({
      method: 'OPTIONS',
      path: CHANGES,
      headers: {
        origin: EVIL,
        'access-control-request-method': 'POST',
        'access-control-request-headers': TOKEN_HEADER,
      },
    }),
    403,
    'ORIGIN_NOT_ALLOWED',
  ],
  [
    'a foreign page posts',
    () => change({ ...own(), origin: EVIL, 'sec-fetch-site': 'cross-site' }),
    403,
    'CROSS_SITE_REQUEST',
  ],
  [
    'a foreign page posts from a browser without Fetch metadata',
    () => change({ origin: EVIL, 'content-type': 'text/plain' }),
    403,
    'ORIGIN_NOT_ALLOWED',
  ],
  ['a page in a sandbox posts', () => change({ ...own(), origin: 'null' }), 403, 'ORIGIN_NOT_ALLOWED'],
  ['another port posts', () => change({ ...own(), origin: 'http://127.0.0.1:1' }), 403, 'ORIGIN_NOT_ALLOWED'],
  ['a program posts without Origin', () => change(without('origin')), 403, 'ORIGIN_NOT_ALLOWED'],
  ['a post without the token', () => change(without(TOKEN_HEADER)), 403, 'TOKEN_INVALID'],
  ['a post with an empty token', () => change({ ...own(), [TOKEN_HEADER]: '' }), 403, 'TOKEN_INVALID'],
  [
    'a post with the token of another run',
    () => change({ ...own(), [TOKEN_HEADER]: 'A'.repeat(43) }),
    403,
    'TOKEN_INVALID',
  ],
  [
    'a post with the token and more',
    () => change({ ...own(), [TOKEN_HEADER]: `${rig.token}, x` }),
    403,
    'TOKEN_INVALID',
  ],
  [
    'a form on a foreign page',
    () => change({ ...without('content-type'), 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    'CONTENT_TYPE_UNSUPPORTED',
  ],
  [
    'plain text that is JSON',
    () => change({ ...own(), 'content-type': 'text/plain' }),
    415,
    'CONTENT_TYPE_UNSUPPORTED',
  ],
  ['another method', () => ({ method: 'PUT', path: CHANGES, headers: own() }), 405, undefined],
  ['a change by GET', () => read(CHANGES, own()), 405, undefined],
  ['a read by HEAD', () => ({ method: 'HEAD', path: '/api/session', headers: own() }), 405, undefined],
  ['a path that only looks like one', () => read('/api/session/', own()), 404, undefined],
  ['a path in another case', () => read('/API/session', own()), 404, undefined],
];

describe('refused, and nothing changes', () => {
  for (const [attack, request, status, reason] of attacks) {
    it(`${attack}: ${status} ${reason ?? ''}`, async () => {
      const before = changed;
      const { method, path, headers } = request();
      const body = method === 'GET' || method === 'HEAD' ? '' : JSON.stringify({ perSecond: 50 });
      const answer = await rig.ask({ method, path, headers, body });
      assert.equal(answer.status, status);
      if (method !== 'HEAD') assert.equal(answer.reason, reason);
      assert.equal(changed, before);
    });
  }
});

it("the page's own change is made", async () => {
  const answer = await rig.post(CHANGES, { perSecond: 1 });
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.body.toString()).perSecond, 1);
  await rig.post(CHANGES, { perSecond: 0 });
  assert.ok(changed >= 2);
});

it('a refusal is in the log, with the value that was refused, and the token is not', async () => {
  rig.log.length = 0;
  await rig.ask(change({ ...own(), origin: EVIL }));
  await rig.ask(change({ ...own(), [TOKEN_HEADER]: 'stolen' }));
  const [origin, token] = rig.log;
  assert.deepEqual(
    [origin?.['event'], origin?.['code'], origin?.['got']],
    ['refused', 'ORIGIN_NOT_ALLOWED', JSON.stringify(EVIL)],
  );
  assert.deepEqual([token?.['event'], token?.['code'], token?.['got']], ['refused', 'TOKEN_INVALID', 'another one']);
  assert.ok(!JSON.stringify(rig.log).includes(rig.token));
});

describe('headers', () => {
  const paths = ['/', '/api/session', '/nothing', '/assets/../package.json'];

  for (const path of paths) {
    it(`${path}: strict, and without CORS`, async () => {
      const { headers } = await rig.ask({ path, headers: { origin: EVIL } });
      const policy = String(headers['content-security-policy']);
      for (const rule of ["default-src 'none'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"])
        assert.ok(policy.split('; ').includes(rule), policy);
      assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(headers['cross-origin-embedder-policy'], 'require-corp');
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('access-control-')),
        [],
      );
    });
  }
});

describe('bodies', () => {
  const send = (body: string, headers: OutgoingHttpHeaders = {}) =>
    rig.ask({ method: 'POST', path: CHANGES, headers: { ...own(), ...headers }, body });

  it('too long: 413', async () => {
    const answer = await send(JSON.stringify({ perSecond: 1, more: 'x'.repeat(64 * 1024) }));
    assert.deepEqual([answer.status, answer.reason], [413, 'BODY_TOO_LARGE']);
  });

  it('no JSON: 400', async () => {
    const answer = await send('{"perSecond":');
    assert.deepEqual([answer.status, answer.reason], [400, 'JSON_MALFORMED']);
  });

  for (const body of [
    'null',
    '[]',
    '"x"',
    '{}',
    '{"perSecond":"1"}',
    '{"perSecond":51}',
    '{"perSecond":-1}',
    '{"perSecond":1e999}',
  ]) {
    it(`${body}: 400 FIELD_INVALID`, async () => {
      const answer = await send(body);
      assert.deepEqual([answer.status, answer.reason], [400, 'FIELD_INVALID']);
    });
  }

  it('compressed: 415', async () => {
    const answer = await send('{}', { 'content-encoding': 'gzip' });
    assert.equal(answer.status, 415);
  });
});
