/**
 * `npm start` as a person runs it, and every command of the README typed beside it.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { defaultPorts, findRunningSystem, portVariable, removeStateDirectory } from '@countersign/local-stack';
import { call } from './json-client.ts';
import { temporaryStateDirectory } from './test-system.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const stateDirectory = temporaryStateDirectory();
const freePorts = Object.fromEntries(
  (Object.keys(defaultPorts) as Array<keyof typeof defaultPorts>).map((name) => [portVariable(name), '0']),
);
const env = { ...process.env, ...freePorts, COUNTERSIGN_STATE_DIR: stateDirectory };
const hasCurl = spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0;
/** Five seconds is what is promised; the rest is for a machine that runs other tests at the same time. */
const STOPPED_WITHIN_MS = 20_000;
const README_URL = 'http://127.0.0.1:8080';

let started: ChildProcess;
let url = '';

before(async () => {
  started = spawnStart();
  url = await readyLine(started);
});

after(async () => {
  if (started.exitCode === null) {
    started.kill('SIGINT');
    await once(started, 'exit');
  }
  removeStateDirectory(stateDirectory);
});

/** The address in the `ready` line. */
function readyLine(child: ChildProcess): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${text}`)));
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const found = /^ready (http:\/\/\S+)$/m.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
}

/** Lines of the shell blocks in the README's "Run it" (what needs SPIRE is run by test/spire): continued lines joined, comments off; those that this test is already running left out. */
function readmeCommands(): string[] {
  const section =
    readFileSync(`${root}README.md`, 'utf8')
      .split(/^## /m)
      .find((part) => part.startsWith('Run it')) ?? '';
  const blocks = section.matchAll(/```sh\n([\s\S]*?)```/g);
  return [...blocks]
    .flatMap((block) => (block[1] ?? '').replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '' && line !== 'npm start' && line !== 'npm test' && !line.startsWith('git clone'));
}

describe('README', () => {
  const commands = readmeCommands();

  test('has commands to run', () => {
    assert.ok(commands.length >= 7, commands.join('\n'));
  });

  for (const command of commands) {
    const missing = command.startsWith('curl') && !hasCurl ? 'curl is not on this machine' : false;
    test(`works as written: ${command}`, { skip: missing }, async () => {
      const { stdout } = await run('sh', ['-c', command.replaceAll(README_URL, url)], {
        cwd: root,
        env,
        timeout: 60_000,
      });
      assert.notEqual(stdout.trim(), '');
      if (command.startsWith('curl')) assert.doesNotMatch(stdout, /"status":[45]\d\d/);
    });
  }
});

test('a second start in the same state directory says who runs, and harms nothing', async () => {
  await assert.rejects(run(process.execPath, ['scripts/start.mjs'], { cwd: root, env }), (error: unknown) => {
    assert.match(error instanceof Error && 'stderr' in error ? String(error.stderr) : '', /already|runs in/);
    return true;
  });
  assert.equal((await fetch(`${url}/api/identity`, { headers: { connection: 'close' } })).status, 200);
});

test('a taken port is named before anything is started, with the variable that changes it', async () => {
  const taken = new URL(url).port;
  const other = temporaryStateDirectory();
  const colliding = { ...env, COUNTERSIGN_STATE_DIR: other, COUNTERSIGN_BACKEND_GRPC_PORT: taken };
  await assert.rejects(
    run(process.execPath, ['scripts/start.mjs'], { cwd: root, env: colliding }),
    (error: unknown) => {
      const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
      assert.match(said, new RegExp(`127\\.0\\.0\\.1:${taken}`));
      assert.match(said, /COUNTERSIGN_BACKEND_GRPC_PORT/);
      return true;
    },
  );
  removeStateDirectory(other);
});

test('Ctrl-C stops everything', async () => {
  const stoppedBy = AbortSignal.timeout(STOPPED_WITHIN_MS);
  started.kill('SIGINT');
  const [code] = await once(started, 'exit', { signal: stoppedBy });
  assert.equal(code, 0);
  await assert.rejects(fetch(`${url}/api/identity`));
});

test('a killed run leaves nothing that blocks the next one', async () => {
  const killed = spawnStart();
  const killedUrl = await readyLine(killed);
  const { pid } = findRunningSystem(stateDirectory);
  const answer = await call(`${killedUrl}/api/orders`, {
    body: { item: 'tea', quantity: 1, customer: 'Ada', via: 'grpc' },
  });
  assert.equal(answer.status, 201);
  killed.kill('SIGKILL');
  process.kill(pid, 'SIGKILL');
  await once(killed, 'exit');

  const next = spawnStart();
  const nextUrl = await readyLine(next);
  const placed = answer.body?.['order'];
  const listed = (await call(`${nextUrl}/api/orders`)).body?.['orders'];
  assert.deepEqual(
    Array.isArray(listed) && listed.find(({ id }) => id === Object(placed).id),
    placed,
    'the order is still there',
  );
  next.kill('SIGINT');
  assert.deepEqual(await once(next, 'exit'), [0, null]);
});

function spawnStart(): ChildProcess {
  return spawn(process.execPath, ['scripts/start.mjs'], { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
}
