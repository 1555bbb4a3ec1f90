/** The stream of orders through the console: what happens to it when the customer goes, comes back, refuses, or is too fast. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { type ConsoleRig, startRig } from '../../test/console-rig.ts';
import { type FakeCustomer, startFakeCustomer } from '../../test/fake-customer.ts';
import { createCustomerClient } from './customer-client.ts';
import { createOrderRelays } from './order-relay.ts';

const PATH = '/api/orders/stream';
const event = (id: number) => `id: ${id}\nevent: order\ndata: {"id":"${id}"}\n\n`;
const begin = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream' });

interface RelayRig extends AsyncDisposable {
  readonly console: ConsoleRig;
  open(headers?: OutgoingHttpHeaders): Promise<IncomingMessage>;
}

async function startRelay(fake: FakeCustomer, maxStreams = 16): Promise<RelayRig> {
  const stopping = new AbortController();
  const customer = createCustomerClient(fake.url);
  const relay = createOrderRelays({
    customer,
    stopping: stopping.signal,
    maxStreams,
    backoffMs: { first: 1, longest: 5 },
  });
  const rig = await startRig({ streams: { [PATH]: relay } });
  return {
    console: rig,
    open: (headers = {}) =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port: rig.port, path: PATH, headers, agent: false };
        httpRequest(options, resolve).once('error', reject).end();
      }),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await rig[Symbol.asyncDispose]();
      customer.close();
    },
  };
}

/** Reads until the text has come. */
async function readUntil(stream: IncomingMessage, text: string): Promise<string> {
  let read = '';
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    read += chunk;
    if (read.includes(text)) return read;
  }
  throw new Error(`ended before ${JSON.stringify(text)}: ${JSON.stringify(read)}`);
}

describe('the relayed stream', () => {
  it('goes on after the customer was killed in the middle of an event, with nothing missing and nothing twice', async () => {
    const asked: Array<string | undefined> = [];
    const first = await startFakeCustomer((request, response) => {
      asked.push(request.headers['last-event-id']?.toString());
      begin(response).write(`${event(1)}${event(2)}id: 3\nevent: order\nda`);
    });
    await using relay = await startRelay(first);
    const page = await relay.open();
    await readUntil(page, event(2));
    await first.kill();
    await using _second = await startFakeCustomer((request, response) => {
      asked.push(request.headers['last-event-id']?.toString());
      begin(response).write(`${event(3)}${event(4)}`);
    }, Number(first.url.port));
    const rest = await readUntil(page, event(4));
    assert.deepEqual(
      rest.split('\n\n').filter((part) => part !== '' && !part.startsWith(':')),
      [event(3), event(4)].map((text) => text.trimEnd()),
    );
    assert.deepEqual(asked, [undefined, '2']);
    page.destroy();
  });

  it('begins where the page left off', async () => {
    const asked: unknown[] = [];
    await using fake = await startFakeCustomer((request, response) => {
      asked.push(request.headers['last-event-id']);
      begin(response).write(event(8));
    });
    await using relay = await startRelay(fake);
    const page = await relay.open({ 'last-event-id': '7' });
    await readUntil(page, event(8));
    assert.deepEqual(asked, ['7']);
    page.destroy();
  });

  it("is refused with the customer's problem when the customer refuses", async () => {
    const problem = { status: 400, reason: 'FIELD_INVALID', detail: 'last-event-id must come from this stream' };
    await using fake = await startFakeCustomer((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    });
    await using relay = await startRelay(fake);
    const page = await relay.open({ 'last-event-id': 'nonsense' });
    assert.equal(page.statusCode, 400);
    assert.deepEqual(JSON.parse(Buffer.concat(await page.toArray()).toString()), problem);
  });

  it('waits for a customer that is not there yet', async () => {
    const gone = await startFakeCustomer(() => {});
    await gone.kill();
    await using relay = await startRelay(gone);
    const page = await relay.open();
    assert.equal(page.statusCode, 200);
    await readUntil(page, ': the customer is asked again');
    await using _back = await startFakeCustomer(
      (_request, response) => void begin(response).write(event(1)),
      Number(gone.url.port),
    );
    await readUntil(page, event(1));
    page.destroy();
  });

  it('makes the customer wait for a page that does not read', async () => {
    const big = `id: 1\nevent: order\ndata: ${'x'.repeat(60_000)}\n\n`;
    let written = 0;
    await using fake = await startFakeCustomer((_request, response) => {
      begin(response);
      const fill = () => {
        for (; written < 2_000; written += 1) {
          if (response.write(big)) continue;
          response.once('drain', fill);
          return;
        }
      };
      fill();
    });
    await using relay = await startRelay(fake);
    const page = await relay.open();
    page.pause();
    // While others are served it gets no further.
    for (let before = -1; before !== written; ) {
      before = written;
      for (let others = 0; others < 10; others += 1) await relay.console.ask({ path: '/api/session' });
    }
    // 120 MB are on offer; what sockets hold is far less.
    assert.ok(written < 1_000, `${written} events were taken`);
    page.destroy();
  });

  it('ends the request to the customer when the page goes', async () => {
    const left = Promise.withResolvers<void>();
    await using fake = await startFakeCustomer((_request, response) => {
      begin(response).write(event(1));
      response.once('close', () => left.resolve());
    });
    await using relay = await startRelay(fake);
    const page = await relay.open();
    await readUntil(page, event(1));
    page.destroy();
    await left.promise;
  });

  it('has a bounded number of readers', async () => {
    await using fake = await startFakeCustomer((_request, response) => void begin(response).write(event(1)));
    await using relay = await startRelay(fake, 1);
    const page = await relay.open();
    await readUntil(page, event(1));
    const refused = await relay.console.ask({ path: PATH });
    assert.deepEqual([refused.status, refused.reason], [503, 'TOO_MANY_STREAMS']);
    page.destroy();
  });

  it('ends when the console stops', async () => {
    await using fake = await startFakeCustomer((_request, response) => void begin(response).write(event(1)));
    const relay = await startRelay(fake);
    const page = await relay.open();
    await readUntil(page, event(1));
    const ended = once(page.resume(), 'end');
    await relay[Symbol.asyncDispose]();
    await ended;
  });
});
