import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  makeOwnDirectory,
  maxSocketPathBytes,
  openStateDirectory,
  removeSocketsOutside,
  socketDirectory,
} from './state-directory.ts';

const names = ['web', 'a-rather-long-workload-name'];
let base = '';
before(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'state-')));
});
after(() => rmSync(base, { recursive: true }));

describe('state directory', () => {
  it('everything in it is private', () => {
    const state = openStateDirectory(join(base, 'plain'), names);
    assert.equal(state.run, join(state.root, 'run'));
    for (const directory of [state.run, state.logs, state.ca, state.cache])
      assert.equal(statSync(directory).mode & 0o777, 0o700, directory);
    assert.equal(statSync(state.root).mode & 0o066, 0, 'nobody else may list or write');
  });

  it('modes that an earlier run or a umask left open are closed', () => {
    const root = join(base, 'open');
    mkdirSync(join(root, 'ca'), { recursive: true });
    chmodSync(join(root, 'ca'), 0o755);
    assert.equal(statSync(openStateDirectory(root, names).ca).mode & 0o777, 0o700);
  });

  it('a checkout too deep for sockets: a short private directory, the same each time, in which a socket works', async () => {
    const deep = join(base, ...Array.from({ length: 12 }, () => 'a-deep-folder'));
    const state = openStateDirectory(deep, names);
    assert.notEqual(state.run, join(state.root, 'run'));
    assert.equal(openStateDirectory(deep, names).run, state.run);
    assert.equal(statSync(state.run).mode & 0o777, 0o700);
    const path = join(state.run, 'a-rather-long-workload-name', 'api.sock');
    assert.ok(Buffer.byteLength(path) <= maxSocketPathBytes);
    mkdirSync(join(path, '..'));
    const server = createServer((socket) => socket.end()).listen(path);
    await once(server, 'listening');
    const client = connect(path);
    await once(client, 'connect');
    client.destroy();
    server.close();
    removeSocketsOutside(state);
    assert.throws(() => statSync(state.run), { code: 'ENOENT' });
  });

  it('a path that a unix: address would have to escape is kept out of it', () => {
    for (const odd of ['with space', 'per%cent', 'quest?ion', 'ha#sh', 'ü']) {
      assert.notEqual(socketDirectory(join(base, odd), names), join(base, odd, 'run'), odd);
    }
  });

  it('paths of exactly the limit stay, one byte more moves', () => {
    const length = maxSocketPathBytes - '/run/a-rather-long-workload-name/api.sock'.length;
    const root = `/${'x'.repeat(length - 1)}`;
    assert.equal(socketDirectory(root, names), `${root}/run`);
    assert.notEqual(socketDirectory(`${root}x`, names), `${root}x/run`);
  });

  it('refused: a file, and a link, in its place', () => {
    const link = join(base, 'link');
    symlinkSync(tmpdir(), link);
    for (const path of [link, '/dev/null'])
      assert.throws(() => makeOwnDirectory(path, 0o700), { code: 'STATE_DIRECTORY' });
  });

  it("refused: another user's directory", {
    skip: process.geteuid?.() === 0 ? 'root owns what it is tried on' : false,
  }, () => {
    assert.throws(() => makeOwnDirectory('/usr', 0o700), { code: 'STATE_DIRECTORY', message: /belongs to user 0/ });
  });

  it('refused: a folder that cannot be made, with what to do', () => {
    assert.throws(() => openStateDirectory('/dev/null/state', names), {
      code: 'STATE_DIRECTORY',
      message: /COUNTERSIGN_STATE_DIR/,
    });
  });
});
