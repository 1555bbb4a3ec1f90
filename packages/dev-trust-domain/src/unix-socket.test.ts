import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryDirectory } from '../test/temporary.ts';
import { guardSocket, prepareSocketPath } from './unix-socket.ts';

async function socketPath(context: TestContext): Promise<string> {
  return join(await temporaryDirectory(context), 'web', 'api.sock');
}

async function listen(context: TestContext, path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  context.after(() => server.close());
}

test('D19 the directory is made with mode 0700, and an existing one is tightened', async (context) => {
  const path = await socketPath(context);
  await prepareSocketPath(path);
  assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
  await chmod(dirname(path), 0o755);
  await prepareSocketPath(path);
  assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
});

test('D19 a socket that a killed process left behind is removed', async (context) => {
  const path = await socketPath(context);
  await mkdir(dirname(path));
  const killed = spawn(
    process.execPath,
    ['-e', 'require("node:net").createServer().listen(process.argv[1], () => console.log("on"))', path],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(killed.stdout, 'data');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  assert.ok((await lstat(path)).isSocket());
  await prepareSocketPath(path);
  await assert.rejects(lstat(path), { code: 'ENOENT' });
});

test('D19 the socket of a live server is left alone', async (context) => {
  const path = await socketPath(context);
  await prepareSocketPath(path);
  await listen(context, path);
  await assert.rejects(prepareSocketPath(path), { code: 'SOCKET', message: /another server answers/ });
  assert.ok((await lstat(path)).isSocket());
});

test('D19 what is not a socket is left alone: a file, a directory, a link', async (context) => {
  for (const make of [
    (path: string) => writeFile(path, 'mine'),
    (path: string) => mkdir(path),
    (path: string) => symlink('/etc/hostname', path),
  ]) {
    const path = await socketPath(context);
    await mkdir(dirname(path));
    await make(path);
    await assert.rejects(prepareSocketPath(path), { code: 'SOCKET', message: /not a socket/ });
    await lstat(path);
  }
});

test('D19 a path that is too long is refused with its length', async () => {
  await assert.rejects(prepareSocketPath(`/${'a'.repeat(120)}/api.sock`), { code: 'SOCKET', message: /got 130/ });
});

test('D19 a bound socket is for its owner alone', async (context) => {
  const path = await socketPath(context);
  await prepareSocketPath(path);
  await listen(context, path);
  await guardSocket(path);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('a socket can be given to another user, by root', { skip: process.getuid?.() !== 0 }, async (context) => {
  const path = await socketPath(context);
  await prepareSocketPath(path);
  await listen(context, path);
  await guardSocket(path, { uid: 4711, gid: 4712 });
  for (const owned of [path, dirname(path)]) {
    const { uid, gid } = await stat(owned);
    assert.deepEqual({ uid, gid }, { uid: 4711, gid: 4712 });
  }
  assert.equal((await stat(dirname(path))).mode & 0o777, 0o700);
  assert.equal((await stat(dirname(dirname(path)))).mode & 0o777, 0o711);
  await connectAs(4711, path);
  await assert.rejects(connectAs(4713, path), { code: 'EACCES' });
  await prepareSocketPath(join(dirname(path), 'next.sock'));
  assert.equal((await stat(dirname(path))).uid, 0);
});

/** Connects as another user: the kernel asks who we are in `connect(2)`, which Node calls in the same tick. */
async function connectAs(uid: number, path: string): Promise<void> {
  process.seteuid?.(uid);
  const socket = connect(path);
  process.seteuid?.(0);
  await once(socket, 'connect');
  socket.destroy();
}

test('only root can give a socket away', { skip: process.getuid?.() === 0 }, async (context) => {
  const path = await socketPath(context);
  await prepareSocketPath(path);
  await listen(context, path);
  await assert.rejects(guardSocket(path, { uid: 4711, gid: 4712 }), { code: 'SOCKET', message: /only root/ });
});
