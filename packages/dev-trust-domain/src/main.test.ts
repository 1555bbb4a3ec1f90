/**
 * The process: what it prints, and each way in which it stops.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { registrationOf, temporaryDirectory } from '../test/temporary.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly directory: string;
  /** The first record of a kind. */
  record(event: string): Promise<Record<string, unknown>>;
  readonly exited: Promise<unknown[]>;
}

async function start(
  context: TestContext,
  env: Record<string, string> = {},
  stdio: ForkOptions['stdio'] = ['ignore', 'pipe', 'inherit', 'ipc'],
  args: readonly string[] = [],
): Promise<Running> {
  const directory = await temporaryDirectory(context);
  const child = fork(main, args, {
    stdio,
    // The test runner's own flags are not for it.
    execArgv: [],
    env: {
      TRUST_DOMAIN: 'example.org',
      TRUST_DOMAIN_RUN_DIRECTORY: directory,
      TRUST_DOMAIN_REGISTRATIONS: JSON.stringify([registrationOf('web')]),
      ...env,
    },
  });
  context.after(() => child.kill('SIGKILL'));
  const seen: Record<string, unknown>[] = [];
  const observers = new Set<() => void>();
  assert.ok(child.stdout);
  createInterface({ input: child.stdout }).on('line', (line) => {
    seen.push(JSON.parse(line));
    for (const observer of [...observers]) observer();
  });
  const record = (event: string) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const look = () => {
        const found = seen.find((each) => each['event'] === event);
        if (found !== undefined) resolve(found);
      };
      observers.add(look);
      look();
    });
  return { child, directory, record, exited: once(child, 'exit') };
}

async function assertGone(directory: string): Promise<void> {
  for (const path of ['web/api.sock', 'control/control.sock'])
    await assert.rejects(stat(join(directory, path)), { code: 'ENOENT' });
}

test('says when it is ready and where, serves, and stops cleanly on SIGTERM', async (context) => {
  const { child, directory, record, exited } = await start(context);
  const { trustDomain, controlSocket, sockets } = await record('ready');
  assert.deepEqual(
    { trustDomain, controlSocket, sockets },
    {
      trustDomain: 'example.org',
      controlSocket: join(directory, 'control/control.sock'),
      sockets: { web: `unix://${directory}/web/api.sock` },
    },
  );
  const source = createWorkloadApiX509Source({ endpoint: `unix://${directory}/web/api.sock` });
  context.after(() => source.close());
  assert.equal((await source.ready()).svid.id.path, '/web');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
  await assertGone(directory);
});

test('stops when its parent closes the IPC channel', async (context) => {
  const { child, directory, record, exited } = await start(context);
  await record('ready');
  child.disconnect();
  assert.deepEqual(await exited, [0, null]);
  await assertGone(directory);
});

test('stops when standard input ends, if told to watch it', async (context) => {
  const { child, directory, record, exited } = await start(context, { COUNTERSIGN_PARENT_PIPE: 'stdin' }, [
    'pipe',
    'pipe',
    'inherit',
    'ipc',
  ]);
  await record('ready');
  child.stdin?.end();
  assert.deepEqual(await exited, [0, null]);
  await assertGone(directory);
});

test('starts again where it was killed', async (context) => {
  const first = await start(context);
  await first.record('ready');
  first.child.kill('SIGKILL');
  await first.exited;
  const second = await start(context, { TRUST_DOMAIN_RUN_DIRECTORY: first.directory });
  await second.record('ready');
  second.child.kill('SIGTERM');
  assert.deepEqual(await second.exited, [0, null]);
});

test('D19 where another one runs already: says so, exits with 1, and leaves the other alone', async (context) => {
  const first = await start(context);
  await first.record('ready');
  const second = await start(context, { TRUST_DOMAIN_RUN_DIRECTORY: first.directory });
  const failed = await second.record('failed');
  assert.equal(failed['code'], 'SOCKET');
  assert.match(String(failed['message']), /another server answers on .*control\.sock; stop it first/);
  assert.deepEqual(await second.exited, [1, null]);
  const source = createWorkloadApiX509Source({ endpoint: `unix://${first.directory}/web/api.sock` });
  context.after(() => source.close());
  assert.equal((await source.ready()).svid.id.path, '/web');
});

test('an unknown flag is named, and the exit code is 1', async (context) => {
  const { record, exited } = await start(context, {}, undefined, ['--trust-domian', 'x']);
  assert.match(String((await record('failed'))['message']), /--trust-domian/);
  assert.deepEqual(await exited, [1, null]);
});

for (const [name, env, code, message] of [
  ['D21 in production', { NODE_ENV: 'production' }, 'PRODUCTION', /NODE_ENV/],
  ['a bad trust domain', { TRUST_DOMAIN: 'Example' }, 'CONFIGURATION', /TRUST_DOMAIN|trust domain/],
  ['a bad duration', { TRUST_DOMAIN_SVID_TTL: 'long' }, 'CONFIGURATION', /TRUST_DOMAIN_SVID_TTL/],
] as const) {
  test(`${name}: says why and exits with 1`, async (context) => {
    const { record, exited } = await start(context, env);
    const failed = await record('failed');
    assert.equal(failed['code'], code);
    assert.match(String(failed['message']), message);
    assert.deepEqual(await exited, [1, null]);
  });
}
