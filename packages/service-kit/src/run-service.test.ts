import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const FIXTURE = fileURLToPath(new URL('../test/waiting-service.fixture.ts', import.meta.url));
const ENV = { SPIFFE_ENDPOINT_SOCKET: 'unix:///nowhere/api.sock', OTEL_SDK_DISABLED: 'false' };

type Line = Record<string, unknown> & { readonly event?: string };

interface Started {
  readonly child: ChildProcess;
  readonly lines: Line[];
  /** Resolves with the line of an event that comes, or has come. */
  until(event: string): Promise<Line>;
  readonly exited: Promise<unknown[]>;
}

function start(stdio: StdioOptions, env: Record<string, string> = ENV, args: string[] = []): Started {
  const child = spawn(process.execPath, [FIXTURE, ...args], { env, stdio });
  assert.ok(child.stdout);
  const lines: Line[] = [];
  const waiting: Array<{ event: string; resolve: (line: Line) => void }> = [];
  const output = createInterface({ input: child.stdout });
  output.on('line', (text) => {
    const line: Line = JSON.parse(text);
    lines.push(line);
    for (const { event, resolve } of waiting) if (line.event === event) resolve(line);
  });
  const until = (event: string) =>
    new Promise<Line>((resolve) => {
      const earlier = lines.find((line) => line.event === event);
      if (earlier === undefined) waiting.push({ event, resolve });
      else resolve(earlier);
    });
  // Not the child's own `close`: it never comes after a disconnect by this side.
  const exited = Promise.all([once(child, 'exit'), once(output, 'close')]).then(([status]) => status);
  return { child, lines, until, exited };
}

function fetchJson(address: string, path: string): Promise<{ status: number | undefined; document: unknown }> {
  return new Promise((resolve, reject) => {
    get(`http://${address}${path}`, { agent: false }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode, document: JSON.parse(text) });
    }).once('error', reject);
  });
}

function healthAddress({ addresses }: Line): string {
  assert.ok(typeof addresses === 'object' && addresses !== null && 'health' in addresses);
  return String(addresses.health);
}

test('without an identity a service lives, and is not ready, and says why', async () => {
  const { child, until, lines, exited } = start(['ignore', 'pipe', 'inherit']);
  const health = healthAddress(await until('listening'));
  assert.deepEqual(await fetchJson(health, '/healthz'), { status: 200, document: { status: 'alive' } });
  const ready = await fetchJson(health, '/readyz');
  assert.equal(ready.status, 503);
  assert.match(JSON.stringify(ready.document), /"reasons":\{"identity":"x509 source: no identity yet"\}/);
  assert.equal((await fetchJson(health, '/')).status, 404);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  assert.ok(!lines.some((line) => line.event === 'ready'));
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends streams, drains, and exits 0`, async () => {
    const { child, until, lines, exited } = start(['ignore', 'pipe', 'inherit']);
    await until('listening');
    child.kill(signal);
    assert.deepEqual(await exited, [0, null]);
    const events = lines.map((line) => line.event);
    assert.deepEqual(
      events.slice(events.indexOf('stopping')).filter((event) => event !== 'identity' && event !== 'identity_failed'),
      ['stopping', 'streams_end', 'drained', 'stopped'],
    );
  });
}

test('a parent that goes away is noticed by the IPC channel', async () => {
  const { child, until, exited } = start(['ignore', 'pipe', 'inherit', 'ipc']);
  await until('listening');
  child.disconnect();
  assert.equal((await until('stopping'))['reason'], 'parent gone');
  assert.deepEqual(await exited, [0, null]);
});

test('a parent that goes away is noticed by standard input', async () => {
  const { child, until, exited } = start(['pipe', 'pipe', 'inherit'], { ...ENV, COUNTERSIGN_PARENT_PIPE: 'stdin' });
  await until('listening');
  child.stdin?.end();
  assert.equal((await until('stopping'))['reason'], 'parent gone');
  assert.deepEqual(await exited, [0, null]);
});

test('what is wrong with the configuration is one JSON line, and the exit code is 1', async () => {
  const { lines, exited } = start(['ignore', 'pipe', 'inherit'], { HEALTH_ADDRESS: 'x' }, ['--wrong']);
  assert.deepEqual(await exited, [1, null]);
  assert.deepEqual(
    lines.map(({ event, code }) => ({ event, code })),
    [{ event: 'failed', code: 'CONFIG_INVALID' }],
  );
  assert.match(String(lines[0]?.['problems']), /--wrong.*HEALTH_ADDRESS must be.*SPIFFE_ENDPOINT_SOCKET is required/);
});

test('a health port that is taken stops the start', async () => {
  const first = start(['ignore', 'pipe', 'inherit']);
  const health = healthAddress(await first.until('listening'));
  const second = start(['ignore', 'pipe', 'inherit'], { ...ENV, HEALTH_ADDRESS: health });
  assert.deepEqual(await second.exited, [1, null]);
  assert.match(String(second.lines.at(-1)?.['message']), /EADDRINUSE/);
  first.child.kill('SIGTERM');
  assert.deepEqual(await first.exited, [0, null]);
});
