import assert from 'node:assert/strict';
import { createServer, get, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import {
  OrderServiceClient,
  OrderServiceService,
  OrderStatus,
  type WatchOrdersRequest,
  type WatchOrdersResponse,
} from '@countersign/contracts';
import { closeHttpServer, grpcError, listenHttp } from '@countersign/service-kit';
import { createLogger } from '@countersign/telemetry';
import { credentials, Server, ServerCredentials, type ServerWritableStream, status as Status } from '@grpc/grpc-js';
import { createOrderStreams } from './order-stream.ts';

type Watch = ServerWritableStream<WatchOrdersRequest, WatchOrdersResponse>;

/** A backend whose streams do what the test says, one script a stream; the last script also serves all later ones. */
let scripts: Array<(call: Watch) => void> = [];
const cursors: string[] = [];
let cleanUp: Array<() => Promise<void> | void> = [];
let base = '';
let stopping = new AbortController();

const order = (place: number): WatchOrdersResponse => ({
  cursor: String(place),
  order: {
    id: `id-${place}`,
    item: 'tea',
    quantity: 1,
    customer: 'Ada',
    status: OrderStatus.ORDER_STATUS_PLACED,
    createdAt: '2026-11-23T08:00:00.000Z',
    createdBy: 'spiffe://example.org/x',
  },
});
const openAt = (place: number): WatchOrdersResponse => ({ cursor: String(place), order: undefined });
const renewal = grpcError(Status.UNAVAILABLE, 'planned', 'STREAM_RENEWAL');

beforeEach(async () => {
  cursors.length = 0;
  stopping = new AbortController();
  const grpc = new Server();
  const unused = () => {};
  grpc.addService(OrderServiceService, {
    createOrder: unused,
    getOrder: unused,
    listOrders: unused,
    watchOrders: (call: Watch) => {
      cursors.push(call.request.cursor);
      const script = scripts.length > 1 ? scripts.shift() : scripts[0];
      script?.(call);
    },
  });
  const grpcPort = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    ),
  );
  const orders = new OrderServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const logger = createLogger({ service: 'customer', level: 'silent' });
  const streamOrders = createOrderStreams({
    orders,
    logger,
    stopping: stopping.signal,
    development: false,
    heartbeatMs: 20,
    backoffMs: { first: 1, longest: 5 },
    maxStreams: 2,
  });
  const server = createServer(
    (request, response) => void streamOrders(response, String(request.headers['last-event-id'] ?? '')),
  );
  const { port } = await listenHttp(server, { host: '127.0.0.1', port: 0 });
  base = `http://127.0.0.1:${port}`;
  cleanUp = [() => stopping.abort(), () => closeHttpServer(server), () => orders.close(), () => grpc.forceShutdown()];
});
afterEach(async () => {
  for (const step of cleanUp) await step();
});

function open(headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(base, { headers, agent: false }, resolve).once('error', reject));
}

/** Reads until the pattern has matched; gives everything read so far. */
async function readUntil(response: IncomingMessage, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    if (pattern.test(text)) return text;
  }
  throw new Error(`the stream ended before ${pattern}: ${text}`);
}

const idsIn = (text: string) => [...text.matchAll(/"id":"(id-\d+)"/g)].map((match) => match[1]);

test('orders arrive as events, each with the cursor to resume after', async () => {
  scripts = [(call) => [openAt(6), order(7)].map((message) => call.write(message))];
  const response = await open();
  assert.equal(response.headers['content-type'], 'text/event-stream');
  const text = await readUntil(response, /id-7/);
  assert.match(text, /id: 6\nevent: open\ndata: \{\}\n\n/);
  assert.match(text, /id: 7\nevent: order\ndata: \{"id":"id-7","item":"tea"/);
});

test('a connection whose certificate verifies no more is left for another: the stream goes on', async () => {
  scripts = [
    (call) => {
      call.write(openAt(3));
      call.emit('error', grpcError(Status.UNAUTHENTICATED, 'no longer verified', 'PEER_NOT_VERIFIED'));
    },
    (call) => [openAt(3), order(4)].map((message) => call.write(message)),
  ];
  await readUntil(await open(), /id-4/);
  assert.deepEqual(cursors, ['', '3']);
});

test('a chain that is refused ends the stream: asking again would not help', async () => {
  scripts = [(call) => call.emit('error', grpcError(Status.UNAUTHENTICATED, 'no', 'CHAIN_EXPIRED'))];
  assert.equal((await open()).statusCode, 502);
  assert.equal(cursors.length, 1);
});

test('a planned end is not noticed: the stream goes on after the last cursor, without gap or double', async () => {
  scripts = [
    (call) => {
      for (const message of [openAt(0), order(1), order(2)]) call.write(message);
      call.emit('error', renewal);
    },
    (call) => call.emit('error', renewal),
    (call) => [openAt(2), order(3)].map((message) => call.write(message)),
  ];
  const text = await readUntil(await open(), /id-3/);
  assert.deepEqual(idsIn(text), ['id-1', 'id-2', 'id-3']);
  assert.deepEqual(cursors, ['', '2', '2']);
});

test('a browser that comes back resumes after the last event it saw', async () => {
  scripts = [(call) => call.write(order(8))];
  await readUntil(await open({ 'last-event-id': '7' }), /id-8/);
  assert.deepEqual(cursors, ['7']);
});

test('backend that is away at first is waited for', async () => {
  scripts = [
    (call) => call.emit('error', renewal),
    (call) => call.emit('error', renewal),
    (call) => call.write(order(1)),
  ];
  const response = await open();
  assert.equal(response.statusCode, 200);
  assert.deepEqual(idsIn(await readUntil(response, /id-1/)), ['id-1']);
});

test('a refusal before the first event is an HTTP status', async () => {
  scripts = [(call) => call.emit('error', grpcError(Status.PERMISSION_DENIED, 'no', 'POLICY_DENIED'))];
  const response = await open();
  assert.equal(response.statusCode, 403);
  assert.match(Buffer.concat(await response.toArray()).toString(), /"reason":"POLICY_DENIED"/);
  assert.deepEqual(cursors.length, 1);
});

test('a refusal later is an event, and the stream ends', async () => {
  scripts = [
    (call) => {
      call.write(order(1));
      call.emit('error', grpcError(Status.PERMISSION_DENIED, 'no', 'POLICY_DENIED'));
    },
  ];
  const text = Buffer.concat(await (await open()).toArray()).toString();
  assert.match(text, /event: problem\ndata: \{"status":403,"detail":"no","reason":"POLICY_DENIED"\}\n\n/);
});

test('heartbeats keep a quiet stream alive', async () => {
  scripts = [(call) => call.write(openAt(0))];
  await readUntil(await open(), /: alive\n\n[\s\S]*: alive\n\n/);
});

test('when the process stops, streams end well', async () => {
  scripts = [(call) => call.write(openAt(0))];
  const response = await open();
  const text = response.toArray();
  stopping.abort();
  assert.ok(
    Buffer.concat(await text)
      .toString()
      .startsWith('retry: 1000'),
  );
  assert.equal(response.complete, true);
});

test('a page that goes away ends the gRPC stream behind it', async () => {
  const cancelled = new Promise<void>((resolve) => {
    scripts = [
      (call) => {
        call.once('cancelled', resolve);
        call.write(openAt(0));
      },
    ];
  });
  const response = await open();
  response.destroy();
  await cancelled;
});

test('one stream too many is refused', async () => {
  scripts = [(call) => call.write(openAt(0))];
  const first = [await open(), await open()];
  const third = await open();
  assert.equal(third.statusCode, 503);
  third.resume();
  for (const response of first) response.destroy();
});
