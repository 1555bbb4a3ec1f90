/** The console as a process: what it takes and shows, what it refuses at each port, how it starts and ends. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askAt } from '../test/console-rig.ts';

const program = fileURLToPath(new URL('./main.ts', import.meta.url));
const traceId = '5b8efff798038103d269b633813fc60c';

/** One export with one span, as an SDK sends it. */
const spans = JSON.stringify({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'backend' } }] },
      scopeSpans: [
        {
          spans: [
            {
              traceId,
              spanId: 'eee19b7ec3c1b174',
              name: 'GET /orders',
              kind: 2,
              startTimeUnixNano: `${Date.now()}000000`,
              endTimeUnixNano: `${Date.now() + 5}000000`,
            },
          ],
        },
      ],
    },
  ],
});
const fromProgram = { 'content-type': 'application/json' };

interface Line {
  readonly event?: string;
  readonly addresses?: { readonly http: string; readonly otlp: string };
  readonly [field: string]: unknown;
}

function start(env: Record<string, string>): { child: ChildProcess; line(event: string): Promise<Line> } {
  const free = { CONSOLE_ADDRESS: '127.0.0.1:0', OTLP_ADDRESS: '127.0.0.1:0' };
  const child = spawn(process.execPath, [program], { env: { ...free, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Line[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (text) => void lines.push(JSON.parse(text)));
  return {
    child,
    async line(event) {
      for (;;) {
        const found = lines.find((line) => line.event === event);
        if (found !== undefined) return found;
        await once(reader, 'line');
      }
    },
  };
}

const portOf = (address = '') => Number(address.slice(address.lastIndexOf(':') + 1));

describe('a console', () => {
  const { child, line } = start({});
  let http = 0;
  let otlp = 0;

  before(async () => {
    const { addresses } = await line('listening');
    [http, otlp] = [portOf(addresses?.http), portOf(addresses?.otlp)];
  });
  after(() => child.kill('SIGKILL'));

  it('shows what a program sent', async () => {
    const sent = await askAt(otlp, { method: 'POST', path: '/v1/traces', headers: fromProgram, body: spans });
    assert.equal(sent.status, 200);
    const shown = await askAt(http, { path: `/api/traces/${traceId}` });
    assert.equal(shown.status, 200);
    assert.equal(JSON.parse(shown.body.toString()).tree[0].name, 'GET /orders');
  });

  it('shows nothing that a page sent', async () => {
    const forged = spans.replaceAll(traceId, 'f'.repeat(32));
    const headers = { ...fromProgram, origin: `http://127.0.0.1:${http}`, 'sec-fetch-site': 'same-site' };
    const sent = await askAt(otlp, { method: 'POST', path: '/v1/traces', headers, body: forged });
    assert.deepEqual([sent.status, sent.reason], [403, 'BROWSER_REFUSED']);
    assert.equal((await askAt(http, { path: `/api/traces/${'f'.repeat(32)}` })).status, 404);
    assert.equal((await line('refused'))['code'], 'BROWSER_REFUSED');
  });

  it('takes no telemetry at the port of its page, and shows no page at the port of telemetry', async () => {
    const sent = await askAt(http, { method: 'POST', path: '/v1/traces', headers: fromProgram, body: spans });
    assert.equal(sent.status, 403);
    assert.equal((await askAt(otlp, { path: '/' })).status, 404);
    assert.equal((await askAt(otlp, { path: '/api/session' })).status, 404);
  });

  it('says that it only watches, and how to build its page', async () => {
    const { body } = await askAt(http, { path: '/api/session' });
    const session = JSON.parse(body.toString());
    assert.match(session.token, /^[\w-]{43}$/);
    assert.deepEqual([session.stack, session.customerUrl, session.traceLinks], [undefined, undefined, false]);
    assert.match((await askAt(http, { path: '/' })).body.toString(), /not built/);
  });

  for (const [name, send, status] of [
    ['headers that are too long', `GET / HTTP/1.1\r\nHost: localhost\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`, '431'],
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', '400'],
    [
      'two hosts, a foreign one first',
      'GET /api/session HTTP/1.1\r\nHost: evil.example.com\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      '421',
    ],
    ['no host', 'GET /api/session HTTP/1.0\r\n\r\n', '421'],
  ] as const) {
    it(`${name}: ${status}, on both ports`, async () => {
      for (const port of [http, otlp]) {
        const socket = connect(port, '127.0.0.1');
        socket.end(send);
        const answer = Buffer.concat(await socket.toArray()).toString();
        assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      }
    });
  }

  it('ends when it is told to, also while a page listens', async () => {
    const page = await fetch(`http://127.0.0.1:${http}/api/events`);
    assert.equal(page.status, 200);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    await line('stopped');
    await page.text();
  });
});

it('a setting that is wrong stops the start, with its name', async () => {
  const { child, line } = start({ CUSTOMER_URL: 'ftp://x' });
  const ended = once(child, 'exit');
  assert.match(String((await line('failed'))['message']), /CUSTOMER_URL/);
  assert.deepEqual(await ended, [1, null]);
});

it('a port that is taken stops the start, and the other one is let go', async () => {
  const first = start({});
  const { addresses } = await first.line('listening');
  const second = start({ OTLP_ADDRESS: String(addresses?.otlp) });
  const ended = once(second.child, 'exit');
  assert.match(String((await second.line('failed'))['message']), /EADDRINUSE/);
  assert.deepEqual(await ended, [1, null]);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
});
