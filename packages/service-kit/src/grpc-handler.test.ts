import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OrderServiceClient, OrderServiceService, WatchOrdersResponse } from '@countersign/contracts';
import { credentials, Server, ServerCredentials, type ServiceError, status as Status } from '@grpc/grpc-js';
import { callUnary } from './grpc-call.ts';
import { detailsOf, GrpcError, grpcError, isServiceError } from './grpc-error.ts';
import { sendMessage, streamEnd, streamHandler, unaryHandler } from './grpc-handler.ts';

// A real server and client; each method fails, or streams, in its own way.
const stopping = new AbortController();
const translated: unknown[] = [];
const translate = (error: unknown) => {
  translated.push(error);
  return new GrpcError(Status.INTERNAL, 'translated');
};
let sent = 0;
const server = new Server();
server.addService(OrderServiceService, {
  createOrder: unaryHandler(async () => {
    throw grpcError(Status.ALREADY_EXISTS, 'as it was thrown', 'REASON');
  }, translate),
  getOrder: unaryHandler(() => {
    throw new Error('before any promise');
  }, translate),
  listOrders: unaryHandler(
    async () => ({
      response: { orders: [], nextPageToken: '' },
      hops: [{ from: 'a', to: 'b', transport: 'grpc' as const, operation: 'c' }],
    }),
    translate,
  ),
  watchOrders: streamHandler(async (call) => {
    if (call.request.cursor === 'throw') throw new Error('in a stream');
    const ended = streamEnd(call, stopping.signal, call.request.cursor === 'old' ? 1 : 60_000);
    try {
      const message = WatchOrdersResponse.fromPartial({ cursor: 'x'.repeat(16_384) });
      while (!ended.signal.aborted) {
        await sendMessage(call, message, ended.signal);
        sent += 1;
      }
    } finally {
      ended.release();
    }
    return grpcError(Status.UNAVAILABLE, 'planned', 'STREAM_RENEWAL');
  }, translate),
});
const syncThrow = streamHandler(() => {
  throw new Error('before any promise');
}, translate);
let client: OrderServiceClient;

before(async () => {
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  client = new OrderServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
});
after(() => {
  client.close();
  server.forceShutdown();
});

const deadline = () => Date.now() + 10_000;

async function failureOf(promise: Promise<unknown>): Promise<ServiceError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isServiceError(error));
  return error;
}

function drained(cursor: string): Promise<ServiceError> {
  return new Promise((resolve) => {
    const stream = client.watchOrders({ cursor });
    stream.on('error', (error) => {
      assert.ok(isServiceError(error));
      resolve(error);
    });
    stream.resume();
  });
}

test('a GrpcError reaches the caller as it was thrown', async () => {
  const error = await failureOf(
    callUnary(client.createOrder.bind(client), { item: '', quantity: 1, customer: '', idempotencyKey: '' }, deadline()),
  );
  assert.deepEqual(
    [error.code, error.details, detailsOf(error)],
    [Status.ALREADY_EXISTS, 'as it was thrown', { reason: 'REASON' }],
  );
});

test('anything else is translated, even what is thrown before the first promise', async () => {
  const error = await failureOf(callUnary(client.getOrder.bind(client), { id: '' }, deadline()));
  assert.deepEqual([error.code, error.details], [Status.INTERNAL, 'translated']);
  assert.equal(String(translated.at(-1)), 'Error: before any promise');
});

test('a stream that fails ends with the translated error', async () => {
  const error = await drained('throw');
  assert.deepEqual([error.code, String(translated.at(-1))], [Status.INTERNAL, 'Error: in a stream']);
});

test('a stream handler that throws at once does not end the process', async () => {
  const emitted = await new Promise((resolve) => {
    const call = { cancelled: false, emit: (_event: string, error: unknown) => resolve(error) };
    Reflect.apply(syncThrow, undefined, [call]);
  });
  assert.ok(emitted instanceof GrpcError);
});

test('hops come with the trailing metadata', async () => {
  const { hops } = await callUnary(client.listOrders.bind(client), { pageSize: 0, pageToken: '' }, deadline());
  assert.deepEqual(hops, [{ from: 'a', to: 'b', transport: 'grpc', operation: 'c' }]);
});

test('a client that does not read makes the server wait, and may leave', async () => {
  sent = 0;
  const stream = client.watchOrders({ cursor: '' });
  const failed = new Promise<ServiceError>((resolve) =>
    stream.once('error', (error) => isServiceError(error) && resolve(error)),
  );
  await new Promise((resolve) => stream.once('readable', resolve));
  // Buffers of both ends and of the sockets between them take some messages; then nothing moves any more.
  let before = -1;
  while (sent !== before) {
    before = sent;
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(sent < 2_000, `${sent} messages were taken from a server that should wait`);
  stream.cancel();
  assert.equal((await failed).code, Status.CANCELLED);
});

test('a stream ends as planned when it is old', async () => {
  const error = await drained('old');
  assert.deepEqual([error.code, detailsOf(error)], [Status.UNAVAILABLE, { reason: 'STREAM_RENEWAL' }]);
});

test('a stream ends as planned when the process stops', async () => {
  const ended = drained('');
  stopping.abort();
  assert.equal((await ended).code, Status.UNAVAILABLE);
});
