import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { openWorkloadSocket } from './workload-socket.ts';

/** We ourselves: whoever runs this test may be that user. */
const account = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const pathOf = (endpoint: string) => endpoint.slice('unix://'.length);

describe('a Workload API as one of the workloads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-socket-'));
  const agent = join(folder, 'agent.sock');
  const system = { sockets: { web: `unix://${agent}` }, accounts: { web: account } };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    // It answers when all was said, as long as what it answers to.
    void text(socket).then((said) => socket.end(`agent: ${said}`));
  });

  before(async () => {
    server.listen(agent);
    await once(server, 'listening');
  });

  after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is its address, where each workload has one of its own', async () => {
    await using socket = await openWorkloadSocket({ sockets: system.sockets }, 'web');
    assert.equal(socket.endpoint, `unix://${agent}`);
  });

  it('is a relay of its user, to which nobody else can connect, and which goes when it is closed', async () => {
    const socket = await openWorkloadSocket(system, 'web');
    const path = pathOf(socket.endpoint);
    assert.notEqual(path, agent);
    const { mode, uid } = statSync(dirname(path));
    assert.deepEqual([mode & 0o777, uid], [0o700, account.uid]);
    const asking = connect({ path, allowHalfOpen: true });
    asking.end('who am I?');
    assert.equal(await text(asking), 'agent: who am I?');
    await socket.close();
    assert.equal(existsSync(dirname(path)), false);
  });

  it('closes what it relays when the agent does not answer', async () => {
    const gone = { ...system, sockets: { web: `unix://${folder}/none.sock` } };
    await using socket = await openWorkloadSocket(gone, 'web');
    const asking = connect(pathOf(socket.endpoint));
    asking.on('error', () => {});
    await once(asking, 'close');
  });

  it('is none for a workload that the system does not have', async () => {
    await assert.rejects(openWorkloadSocket(system, 'nobody'), {
      code: 'NOT_RUNNING',
      message: /no workload "nobody"/,
    });
  });
});
