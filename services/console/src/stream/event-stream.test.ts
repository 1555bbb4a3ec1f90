/** The stream on real sockets: what a reader gets first, later, after a break, and when it does not read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, test } from 'node:test';
import type { LogRecord } from '@countersign/otlp-receiver';
import { createStore, type Store } from '../store/store.ts';
import { createEventStream, type EventStream, type EventStreamOptions } from './event-stream.ts';

const EPOCH = 'first';
const ids = (name: string) => `spiffe://example.org/${name}`;
const resource = new Map([['service.name', 'backend']]);
let store: Store;
let stream: EventStream;
let server: Server;
let port: number;

beforeEach(() => {
  store = createStore();
});

afterEach(async () => {
  await stream.close();
  server.close();
  server.closeAllConnections();
});

async function start(options: Partial<EventStreamOptions> = {}): Promise<void> {
  stream = createEventStream({ store, epoch: EPOCH, ...options });
  port = await listen(stream.handle);
}

async function listen(handle: RequestListener): Promise<number> {
  server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** One request, as its record has it. */
function request(peer: string, operation = 'GET /'): LogRecord {
  const attributes = {
    self: ids('backend'),
    peer: ids(peer),
    transport: 'https',
    operation,
    status: 200,
    duration_ms: 1,
  };
  const common = { severityNumber: 9, severityText: 'info', body: 'request', resource };
  return { ...common, timeNanos: 0n, eventName: 'request', attributes: new Map(Object.entries(attributes)) };
}

interface Event {
  readonly event: string;
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: a document of the wire, looked into by tests alone
  readonly data: any;
}

/** A reader of events that can be asked for the next one. */
interface Page {
  readonly response: IncomingMessage;
  next(): Promise<Event>;
  /** Reads until the stream ends. */
  ended(): Promise<void>;
  close(): void;
}

async function read(headers: Record<string, string> = {}): Promise<Page> {
  const outgoing = get({ port, headers });
  const [response]: IncomingMessage[] = await once(outgoing, 'response');
  assert.ok(response !== undefined);
  const events = eventsOf(response);
  return {
    response,
    async next() {
      const { value, done } = await events.next();
      assert.ok(done !== true, 'the stream has ended');
      return value;
    },
    async ended() {
      while ((await events.next()).done !== true);
    },
    close: () => outgoing.destroy(),
  };
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<Event, undefined> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = new Map(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
      );
      text = text.slice(end + 2);
      const [event, id, data] = [fields.get('event'), fields.get('id'), fields.get('data')];
      if (event !== undefined && id !== undefined) yield { event, id, data: JSON.parse(data ?? 'null') };
    }
  }
  return undefined;
}

test('the first event is a snapshot, then come patches of what changed, coalesced', async () => {
  store.takeLogs([request('customer')]);
  await start();
  const page = await read();
  assert.equal(page.response.headers['content-type'], 'text/event-stream');
  assert.equal(page.response.headers['cache-control'], 'no-store');
  const first = await page.next();
  assert.deepEqual([first.event, first.id], ['snapshot', `${EPOCH}-${store.revision}`]);
  assert.deepEqual(
    first.data.edges.map((edge: { from: string; to: string }) => [edge.from, edge.to]),
    [[ids('customer'), ids('backend')]],
  );
  assert.deepEqual(Object.keys(first.data).sort(), [
    'decisions',
    'edges',
    'load',
    'now',
    'refusals',
    'revision',
    'samples',
    'traces',
    'workloads',
  ]);
  store.takeLogs([request('customer', 'first')]);
  store.takeLogs([request('customer', 'second')]);
  const second = await page.next();
  assert.deepEqual([second.event, second.id], ['patch', `${EPOCH}-${store.revision}`]);
  assert.deepEqual(
    second.data.edges.map((edge: { calls: number }) => edge.calls),
    [3],
  );
  assert.equal(second.data.workloads, undefined);
  page.close();
});

test('a reader that comes back gets what it missed, as one patch', async () => {
  store.takeLogs([request('customer')]);
  await start();
  const page = await read();
  const { id } = await page.next();
  page.close();
  store.takeLogs([request('auditor')]);
  const back = await read({ 'last-event-id': id });
  const { event, data } = await back.next();
  assert.equal(event, 'patch');
  assert.deepEqual(
    data.edges.map((edge: { from: string }) => edge.from),
    [ids('auditor')],
  );
  back.close();
});

test('one that missed nothing gets nothing until something changes', async () => {
  await start();
  const page = await read();
  const { id } = await page.next();
  page.close();
  const back = await read({ 'last-event-id': id });
  store.takeLogs([request('customer')]);
  assert.equal((await back.next()).event, 'patch');
  back.close();
});

for (const [what, id] of [
  ['an ID of another run of the console', 'other-0'],
  ['an ID that this run has not reached', `${EPOCH}-999999`],
  ['what is no ID', `${EPOCH}-x`],
] as const)
  test(`${what} gets a snapshot`, async () => {
    await start();
    const page = await read({ 'last-event-id': id });
    assert.equal((await page.next()).event, 'snapshot');
    page.close();
  });

test('one that missed too much gets a snapshot', async () => {
  await start();
  const page = await read();
  const { id } = await page.next();
  page.close();
  for (let index = 0; index < 1_500; index += 1) store.takeLogs([request(`peer-${index}`)]);
  const back = await read({ 'last-event-id': id });
  assert.equal((await back.next()).event, 'snapshot');
  back.close();
});

/** A socket that asks for the stream and reads nothing of it. */
async function stall(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  socket.on('error', () => {});
  const arrived = once(server, 'request');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await arrived;
  return socket;
}

/** A change whose patch is large, so that few of them fill a socket. */
function changeMuch(): void {
  store.takeLogs(Array.from({ length: 250 }, (_, index) => request(`${'p'.repeat(500)}-${index}`, 'o'.repeat(250))));
}

test('a socket that does not drain is not written to; afterwards one event has all that was missed', async () => {
  const written: number[] = [];
  await start();
  server.on('request', (_request, response) => {
    const write = response.write.bind(response);
    response.write = (chunk: string) => {
      written.push(chunk.length);
      return write(chunk);
    };
  });
  const healthy = await read();
  const stalled = await stall();
  await healthy.next();
  // Each event that reaches the other reader is a beat at which the stalled one could have been written to, too.
  const beats = async (count: number) => {
    for (let beat = 0; beat < count; beat += 1) {
      changeMuch();
      await healthy.next();
    }
  };
  // Until the socket is full.
  let before = -1;
  for (let size = stalled.bytesRead; ; size = written.length) {
    await beats(3);
    // Three events to the healthy one alone.
    if (written.length - Math.max(size, 0) === 3 && before !== -1) break;
    before = written.length;
    assert.ok(written.length < 2_000, 'the stalled socket is written to for ever');
  }
  const missedFrom = store.revision;
  await beats(3);
  // It reads again: what is in its buffers, then one event with everything since.
  const chunks: Buffer[] = [];
  const caughtUp = new Promise<void>((resolve) => {
    stalled.on('data', (chunk) => {
      chunks.push(chunk);
      if (chunk.includes(`id: ${EPOCH}-${store.revision}\n`)) resolve();
    });
  });
  stalled.resume();
  await caughtUp;
  const seen = [
    ...Buffer.concat(chunks)
      .toString()
      .matchAll(/^id: first-(\d+)$/gm),
  ].map((match) => Number(match[1]));
  assert.equal(seen.filter((revision) => revision > missedFrom).length, 1);
  assert.equal(seen.at(-1), store.revision);
  healthy.close();
  stalled.destroy();
});

test('a socket that takes nothing for too long is cut, and its place is free', async () => {
  await start({ stalledMs: 0, maxStreams: 1 });
  const stalled = await stall();
  const closed = once(stalled, 'close');
  const changing = setInterval(changeMuch, 20);
  stalled.on('end', () => {});
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (stream.open > 0) return;
      clearInterval(look);
      resolve();
    }, 20);
  });
  clearInterval(changing);
  stalled.destroy();
  await closed;
  const page = await read();
  assert.equal((await page.next()).event, 'snapshot');
  page.close();
});

test('a comment keeps a silent stream alive', async () => {
  await start({ keepAliveMs: 1 });
  const page = await read();
  let text = '';
  for await (const chunk of page.response) {
    text += chunk;
    if (text.includes('\n\n: keep-alive\n\n')) break;
  }
  assert.match(text, /^retry: 1000\n\nevent: snapshot\n/);
});

test('many readers get the same event; one more than there may be is told to come again', async () => {
  await start({ maxStreams: 10 });
  const pages = await Promise.all(Array.from({ length: 10 }, () => read()));
  for (const page of pages) assert.equal((await page.next()).event, 'snapshot');
  const refused = await read();
  assert.deepEqual(
    [refused.response.statusCode, refused.response.headers['content-type'], refused.response.headers['retry-after']],
    [503, 'application/problem+json', '5'],
  );
  store.takeLogs([request('customer')]);
  const events = await Promise.all(pages.map((page) => page.next()));
  assert.deepEqual(new Set(events.map(({ id }) => id)), new Set([`${EPOCH}-${store.revision}`]));
  assert.equal(stream.open, 10);
  for (const page of pages) page.close();
  refused.close();
});

test('the end is a proper end for who reads, a cut for who does not, and 503 for who comes after it', async () => {
  await start();
  const page = await read();
  await page.next();
  const stalled = await stall();
  await Promise.all([stream.close(), page.ended()]);
  assert.equal(page.response.complete, true);
  assert.equal(stream.open, 0);
  const late = await read();
  assert.equal(late.response.statusCode, 503);
  late.close();
  stalled.destroy();
});
