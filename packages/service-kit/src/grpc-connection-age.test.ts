/** Connections are ended after their time; what is under way over them is not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createChainSigner } from '@countersign/caller-chain';
import { OrderServiceClient, OrderServiceService, WatchOrdersResponse } from '@countersign/contracts';
import { authorizeId, createSpiffeGrpcServer, createStaticX509Source } from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { Server, type ServerWritableStream } from '@grpc/grpc-js';
import { callUnary, SERVER_OPTIONS } from './grpc-call.ts';
import { openGrpcConnection } from './grpc-client.ts';

type Watch = ServerWritableStream<unknown, WatchOrdersResponse>;

test('a stream goes on over a connection that takes no more calls', async (t) => {
  const ca = await createTestCa({ trustDomain: 'example.org' });
  const source = createStaticX509Source(ca.context(await ca.issue({ path: '/both' })));
  const { id } = source.current().svid;
  const server = new Server({ ...SERVER_OPTIONS, 'grpc.max_connection_age_ms': 100 });
  const watched = Promise.withResolvers<Watch>();
  const unimplemented = () => assert.fail('not called');
  server.addService(OrderServiceService, {
    createOrder: unimplemented,
    getOrder: unimplemented,
    listOrders: (call: { getPeer(): string }, callback: (error: null, answer: object) => void) =>
      callback(null, { orders: [], nextPageToken: call.getPeer() }),
    watchOrders: (call: Watch) => {
      call.write(WatchOrdersResponse.fromPartial({ cursor: 'first' }));
      watched.resolve(call);
    },
  });
  const listener = createSpiffeGrpcServer({ source, authorize: authorizeId(id), server });
  t.after(() => listener.close());
  const { port } = await listener.listen(0);
  const address = { host: '127.0.0.1', port };
  const self = () => undefined;
  const chainSigner = createChainSigner({ source });
  const connection = openGrpcConnection({ source, self, chainSigner, address, serverId: id });
  t.after(() => connection.close());
  const orders = new OrderServiceClient(...connection.clientArguments);

  const stream = orders.watchOrders({ cursor: '' });
  await once(stream, 'data');
  const serving = await watched.promise;
  // The peer's port names the connection.
  const list = orders.listOrders.bind(orders);
  const connectionOfCall = async () => {
    const request = { pageSize: 0, pageToken: '' };
    return (await callUnary(list, request, Date.now() + 5_000)).response.nextPageToken;
  };
  const deadline = Date.now() + 10_000;
  while ((await connectionOfCall()) === serving.getPeer()) assert.ok(Date.now() < deadline, 'one connection for 10 s');
  const second = once(stream, 'data');
  serving.write(WatchOrdersResponse.fromPartial({ cursor: 'second' }));
  const [message] = await second;
  assert.equal(message.cursor, 'second');
  stream.on('error', () => {});
  stream.cancel();
});
