/**
 * The package as somebody meets it who uses nothing else of this repository: its two programs, and the README's example.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { temporaryDirectory } from '../test/temporary.ts';

const run = promisify(execFile);
const packageDirectory = fileURLToPath(new URL('../', import.meta.url));

async function programOf(name: string): Promise<string> {
  const { bin } = JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8'));
  const path: unknown = bin[name];
  assert.ok(typeof path === 'string', `no program ${name}`);
  return join(packageDirectory, path);
}

async function start(context: TestContext, cwd: string, args: readonly string[]): Promise<ChildProcess> {
  const child = fork(await programOf('dev-trust-domain'), args, {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [],
    env: {},
  });
  context.after(() => child.kill('SIGKILL'));
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    if (JSON.parse(line).event === 'ready') break;
  }
  return child;
}

test('one line starts a trust domain, and the control program finds it in the same directory', async (context) => {
  const cwd = await temporaryDirectory(context);
  const child = await start(context, cwd, ['--trust-domain', 'example.org', '--workload', 'web']);
  const source = createWorkloadApiX509Source({ endpoint: `unix://${cwd}/.countersign/run/web/api.sock` });
  context.after(() => source.close());
  assert.equal((await source.ready()).svid.id.toString(), 'spiffe://example.org/web');
  const control = await programOf('dev-trust-domain-control');
  const { stdout } = await run(process.execPath, [control, 'status', '--json'], { cwd, env: {} });
  assert.equal(JSON.parse(stdout).workloads[0].watchers, 1);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('every line of the README that starts a trust domain starts one', async (context) => {
  const readme = await readFile(join(packageDirectory, 'README.md'), 'utf8');
  const lines = [...readme.matchAll(/^npx dev-trust-domain (.+)$/gm)].map(([, args = '']) => args);
  assert.equal(lines.length, 2);
  for (const line of lines) {
    // Any port, as the one that the README names may be taken on this machine.
    const args = line.replace(/:\d+$/, ':0').split(' ');
    const child = await start(context, await temporaryDirectory(context), args);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], line);
  }
});

test('the example of the README is a test that passes', async () => {
  const readme = await readFile(join(packageDirectory, 'README.md'), 'utf8');
  const [example, ...others] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
  assert.ok(example !== undefined && others.length === 0);
  const args = ['--test-reporter=tap', '--input-type=module-typescript', '--eval', example];
  const { stdout } = await run(process.execPath, args, { cwd: packageDirectory, env: {} });
  assert.match(stdout, /^# pass 1$/m);
  assert.match(stdout, /^# fail 0$/m);
});
