/**
 * The programs of the READMEs, run as they stand but for the port: a server and a client, who is refused, and a test of one's own.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type DevTrustDomain, startDevTrustDomain } from '@countersign/dev-trust-domain';
import { root, type Snippet, snippetsOf } from './snippets.ts';

const README = 'packages/spiffe-tls/README.md';
const names = ['backend', 'customer', 'rogue'];

// Within the checkout, so that packages are found, where git sees nothing of it. Below node_modules Node strips no types.
const folder = join(root, '.countersign', `test-programs-${process.pid}`);
const running = new Set<ChildProcess>();
let runDirectory: string;
let trustDomain: DevTrustDomain;

before(async () => {
  mkdirSync(folder, { recursive: true });
  runDirectory = mkdtempSync(join(tmpdir(), 'td-'));
  trustDomain = await startDevTrustDomain({
    trustDomain: 'example.org',
    runDirectory,
    registrations: names.map((name) => ({ name, spiffeId: `spiffe://example.org/${name}`, dnsNames: [] })),
  });
});

after(async () => {
  for (const child of running) child.kill();
  await trustDomain.close();
  for (const path of [folder, runDirectory]) rmSync(path, { recursive: true, force: true });
});

function snippet(document: string, title: string): Snippet {
  const found = snippetsOf(document).find((one) => one.title === title);
  assert.ok(found, `${document} has no code below "${title}"`);
  return found;
}

/** Starts a snippet as a program of its own, as this workload. */
function start(code: string, workload: string): ChildProcess {
  const file = join(folder, `${workload}-${running.size}.ts`);
  writeFileSync(file, code);
  const env = { ...process.env, SPIFFE_ENDPOINT_SOCKET: trustDomain.socketOf(workload), NODE_TEST_CONTEXT: undefined };
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  return child;
}

/** What a program prints first, or, when it fails before that, what it says about it. */
async function firstWords(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  assert.ok(stdout && stderr);
  let failure = '';
  stderr.on('data', (text) => {
    failure += text;
  });
  const printed = once(stdout, 'data').then(([text]) => `${text}`);
  const failed = once(child, 'close').then(() => failure);
  return Promise.race([printed, failed]);
}

/** Starts the server, and settles when it says that it listens. */
async function serve(port: number, workload: string): Promise<void> {
  const { code } = snippet(README, 'A server');
  assert.equal(await firstWords(start(code.replace('8443', `${port}`), workload)), 'listening\n');
}

/** Starts the client; its source lives on, as it would in a service. */
async function call(port: number, workload: string): Promise<string> {
  const { code } = snippet(README, 'A client');
  return firstWords(start(code.replace('8443', `${port}`), workload));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

for (const title of ['A server', 'A client']) {
  test(`${README}: "${title}" has less than 30 lines`, () => {
    assert.ok(snippet(README, title).code.split('\n').length < 30);
  });
}

test(`${README}: the client is answered by the server, by name`, async () => {
  const port = await freePort();
  await serve(port, 'backend');
  assert.equal(await call(port, 'customer'), 'Hello spiffe://example.org/customer\n');
});

test(`${README}: the same client under another identity is refused`, async () => {
  const port = await freePort();
  await serve(port, 'backend');
  assert.match(await call(port, 'rogue'), /ECONNRESET|socket hang up/);
});

test(`${README}: the client refuses the same server under another identity`, async () => {
  const port = await freePort();
  await serve(port, 'rogue');
  const said = await call(port, 'customer');
  assert.match(said, /PEER_NOT_AUTHORIZED/);
  assert.match(said, /spiffe:\/\/example\.org\/rogue/);
});

test('packages/dev-trust-domain/README.md: the test that it shows passes', async () => {
  const file = join(folder, 'shown.test.ts');
  writeFileSync(file, snippet('packages/dev-trust-domain/README.md', 'In your tests').code);
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', file], { env });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      said += text;
    });
  }
  const [status] = await once(child, 'close');
  assert.equal(status, 0, said);
  assert.match(said, /^# pass 1$/m);
});
