/** Somebody on the wire puts a record into an open connection: it ends, and the client makes another. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createCa, createWorkload } from '../test/adapter-fixture.ts';
import { createChannel, EchoClient, startGrpc } from '../test/grpc-fixture.ts';
import { authorizeId } from './authorizers.ts';

/** Application data of 32 bytes that no key of the connection made. */
const FORGED_RECORD = Buffer.concat([Buffer.from([23, 3, 3, 0, 32]), Buffer.alloc(32, 1)]);

for (const towards of ['server', 'client'] as const) {
  test(`a forged record towards the ${towards} ends the connection, and the next call is answered on a new one`, async (t) => {
    const ca = await createCa();
    const [server, client] = [await createWorkload(ca, 'server'), await createWorkload(ca, 'client')];
    const { port } = await startGrpc(
      t,
      { source: server.source, authorize: authorizeId(client.id) },
      { unary: (call, callback) => callback(null, { text: call.request.text }) },
    );
    const pairs: Array<{ client: Socket; server: Socket }> = [];
    const relay = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      pairs.push({ client: near, server: far });
      near.pipe(far).pipe(near);
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const)
        one.on('error', () => other.destroy()).on('close', () => other.destroy());
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    t.after(() => relay.close());
    const options = { source: client.source, authorize: authorizeId(server.id) };
    const echo = new EchoClient(createChannel(t, options, (relay.address() as AddressInfo).port));
    assert.equal(await echo.unary('before'), 'before');
    const [first] = pairs;
    assert.ok(first);
    const closed = once(first.client, 'close');
    first[towards].write(FORGED_RECORD);
    await closed;
    assert.equal(await echo.unary('after'), 'after');
    assert.equal(pairs.length, 2);
  });
}
