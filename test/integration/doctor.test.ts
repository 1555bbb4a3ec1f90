/**
 * `npm run doctor` as a person runs it: nothing to find in a system that is well, and each thing that is broken on purpose is
 * found with the exit code that says so.
 */
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { portVariable } from '@countersign/local-stack';
import { runProgram } from './run-program.ts';
import { type SystemAnywhere, startTestSystemAnywhere, temporaryStateDirectory } from './test-system.ts';

const DOCTOR = 'packages/local-stack/src/doctor/main.ts';
/** What a developer's shell may have set and the doctor would mention. */
const QUIET = Object.fromEntries(
  ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS', 'NODE_DEBUG', 'OPENSSL_CONF', 'GRPC_TRACE', 'SSLKEYLOGFILE']
    .concat(['http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]))
    .map((name) => [name, '']),
);

interface Found {
  readonly code: number | null;
  /** `check status evidence` of each finding. */
  readonly findings: readonly string[];
}

let system: SystemAnywhere;

before(async () => {
  system = await startTestSystemAnywhere();
});

after(() => system?.stop());

async function doctor(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Found> {
  const state = { COUNTERSIGN_STATE_DIR: system.stateDirectory };
  const { code, stdout, stderr } = await runProgram(DOCTOR, [...args, '--json'], { ...QUIET, ...state, ...env });
  assert.equal(stderr, '');
  const results: { check: string; findings: { status: string; evidence: string }[] }[] = JSON.parse(stdout);
  assert.ok(results.length > 15, 'every check reports');
  const findings = results.flatMap(({ check, findings: found }) =>
    found.map(({ status, evidence }) => `${check} ${status} ${evidence}`),
  );
  return { code, findings };
}

/** Exactly one finding. */
function assertFinding({ code, findings }: Found, pattern: RegExp): void {
  assert.equal(findings.length, 1, findings.join('\n'));
  assert.match(findings[0] ?? '', pattern);
  assert.equal(code, / fail /.test(findings[0] ?? '') ? 1 : 0);
}

/** A file of settings for one service. */
function envFile(lines: Record<string, string>): string {
  const path = join(temporaryStateDirectory(), 'service.env');
  writeFileSync(
    path,
    Object.entries(lines)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return path;
}

async function listen(t: TestContext, where: string | number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) =>
    typeof where === 'number' ? server.listen(where, '127.0.0.1', resolve) : server.listen(where, resolve),
  );
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return server;
}

test('a system that is well has no finding', async () => {
  assert.deepEqual(await doctor(), { code: 0, findings: [] });
});

test('the table for people has a line a check, and is right about the exit code', async () => {
  const env = { ...QUIET, COUNTERSIGN_STATE_DIR: system.stateDirectory, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
  const { code, stdout } = await runProgram(DOCTOR, [], env);
  assert.equal(code, 1);
  assert.match(stdout, /^ok {4}svid-life /m);
  assert.match(stdout, /^fail {2}tls-settings /m);
  assert.match(stdout, /fix +Unset it/);
});

const SETTINGS: [name: string, lines: Record<string, string>, finding: RegExp][] = [
  ['no address', {}, /^endpoint-form fail SPIFFE_ENDPOINT_SOCKET is not set/],
  ['tcp with a name', { SPIFFE_ENDPOINT_SOCKET: 'tcp://localhost:8081' }, /^endpoint-form fail .*IP literal/],
  ['a path alone', { SPIFFE_ENDPOINT_SOCKET: '/run/agent.sock' }, /^endpoint-form fail .*must begin/],
  ['no socket', { SPIFFE_ENDPOINT_SOCKET: 'unix:///nowhere/agent.sock' }, /^socket fail .*there is nothing/],
  ['a file', { SPIFFE_ENDPOINT_SOCKET: 'unix:///etc/passwd' }, /^socket fail .*no socket/],
];
for (const [name, lines, finding] of SETTINGS) {
  test(`--service with ${name}`, async () => {
    assertFinding(await doctor(['--service', 'backend', '--env-file', envFile(lines)]), finding);
  });
}

test('--service at a socket where nobody speaks the Workload API', async (t) => {
  const path = join(temporaryStateDirectory(), 'api.sock');
  await listen(t, path);
  const lines = { SPIFFE_ENDPOINT_SOCKET: `unix://${path}` };
  assertFinding(await doctor(['--service', 'backend', '--env-file', envFile(lines)]), /^entry fail .*UNAVAILABLE/);
});

test("--service at another workload's socket", async () => {
  const lines = { SPIFFE_ENDPOINT_SOCKET: await system.socketAs('auditor') };
  const found = await doctor(['--service', 'backend', '--env-file', envFile(lines)]);
  assertFinding(found, /^identity-name fail it is spiffe:.*auditor, not .*backend/);
});

test('--service with a key log: its name, not its place', async () => {
  const lines = { SPIFFE_ENDPOINT_SOCKET: await system.socketAs('backend'), SSLKEYLOGFILE: '/tmp/hidden-place' };
  const found = await doctor(['--service', 'backend', '--env-file', envFile(lines)]);
  assertFinding(found, /^key-log fail SSLKEYLOGFILE is set$/);
});

test('a policy bundle that is refused, beside services that decide by another', async () => {
  const path = join(temporaryStateDirectory(), 'bundle.tar.gz');
  writeFileSync(path, 'no archive');
  assertFinding(await doctor([], { POLICY_BUNDLE: path }), /^policy fail the bundle is refused/);
});

test('wrong arguments are no finding: exit code 2, and usage', async () => {
  for (const args of [
    ['--servise', 'x'],
    ['--service', 'nobody-of-this-name'],
  ]) {
    const { code, stderr } = await runProgram(DOCTOR, args, { COUNTERSIGN_STATE_DIR: system.stateDirectory });
    assert.equal(code, 2);
    assert.match(stderr, /usage: npm run doctor/);
  }
});

test('no system: a port that another program has', async (t) => {
  const server = await listen(t, 0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const names = [
    'customerHealth',
    'backendHttps',
    'backendGrpc',
    'backendHealth',
    'dbClientGrpc',
    'dbClientHealth',
    'postgres',
    'consoleHttp',
    'consoleOtlp',
  ] as const;
  const ports = Object.fromEntries(names.map((name) => [portVariable(name), '0']));
  const env = {
    ...ports,
    [portVariable('customerHttp')]: String(port),
    COUNTERSIGN_STATE_DIR: temporaryStateDirectory(),
  };
  assertFinding(await doctor([], env), new RegExp(`^ports fail 127.0.0.1:${port} is taken`));
});

test('keys and folders that everybody may use', async (t) => {
  const key = join(system.stateDirectory, 'left-over.key');
  writeFileSync(key, 'no key', { mode: 0o644 });
  chmodSync(key, 0o644);
  t.after(() => chmodSync(key, 0o600));
  assertFinding(await doctor(), /^private-files fail .*left-over\.key has mode 0644/);
});

test('a line in pg_ident that identities.json does not give', async (t) => {
  const record = await system.waitForLog('postgres', ({ event }) => event === 'prepared');
  const path = join(String(record['directory']), 'conf', 'pg_ident.conf');
  const text = readFileSync(path, 'utf8');
  t.after(() => writeFileSync(path, text));
  appendFileSync(path, 'spiffe /^.*$ "orders_rw"\n');
  assertFinding(await doctor(), /^pg-ident fail pg_ident.conf also has: spiffe/);
});

test('an identity that was taken back: no entry, and the service that is not ready', async (t) => {
  // It was not ready before its first identity, too: that line does not count.
  const since = new Date().toISOString();
  await system.control.withdraw('db-client');
  t.after(() => system.control.give('db-client'));
  await system.waitForLog('db-client', ({ event, time }) => event === 'not_ready' && String(time) >= since, 30_000);
  const { code, findings } = await doctor();
  assert.equal(code, 1);
  const checks = findings.map((line) => line.split(' ')[0]);
  assert.deepEqual(checks, ['entry', 'readiness'], findings.join('\n'));
});
