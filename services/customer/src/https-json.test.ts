/** What becomes of requests whose connection is closed just as they are sent. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import {
  authorizeId,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  createStaticX509Source,
} from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { requestJson } from './https-json.ts';

/** A server, and how to ask it over connections that are kept. */
async function world(t: TestContext, listener: RequestListener) {
  const ca = await createTestCa({ trustDomain: 'example.org' });
  const source = createStaticX509Source(ca.context(await ca.issue({ path: '/both' })));
  const authorize = authorizeId(source.current().svid.id);
  const server = createSpiffeHttpsServer({ source, authorize }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = createSpiffeHttpsAgent({ source, authorize });
  t.after(() => {
    agent.destroy();
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const url = new URL(`https://127.0.0.1:${address.port}/`);
  return () => requestJson(agent, { method: 'GET', url, deadline: Date.now() + 5_000, signHeaders: async () => ({}) });
}

test('a request goes on to a new connection when the server that goes has closed all that were kept', async (t) => {
  const KEPT = 4;
  const known = new Set<Socket>();
  const held: ServerResponse[] = [];
  let goes = false;
  let refused = 0;
  const ask = await world(t, ({ socket }: IncomingMessage, response) => {
    if (goes && known.has(socket)) {
      refused += 1;
      socket.destroy();
      return;
    }
    known.add(socket);
    held.push(response);
    // The first ones are answered together, so that each has a connection of its own.
    if (goes || held.length === KEPT) for (const each of held.splice(0)) each.end('{}');
  });
  await Promise.all(Array.from({ length: KEPT }, ask));
  goes = true;
  assert.equal((await ask()).status, 200);
  assert.equal(refused, KEPT, 'each of those that were kept was tried');
});

test('a new connection that is closed is a failure, and is not tried again', async (t) => {
  let asked = 0;
  const ask = await world(t, ({ socket }) => {
    asked += 1;
    socket.destroy();
  });
  await assert.rejects(ask(), { code: 'ECONNRESET' });
  assert.equal(asked, 1);
});
