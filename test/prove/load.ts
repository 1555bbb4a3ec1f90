/** Mixed load on the whole system: orders by both transports, reads down to PostgreSQL, and one stream that stays open. */
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../integration/json-client.ts';
import { placeOrder, uniqueItem } from './orders.ts';

/** Calls of one kind. */
export interface Calls {
  readonly name: string;
  succeeded: number;
  readonly failures: string[];
}

/** A load that runs. */
export interface Load {
  readonly calls: readonly Calls[];
  readonly stream: { readonly orders: number; readonly ended: boolean };
  /** Resolves when the calls under way have ended. */
  stop(): Promise<void>;
}

/** Bounds the rate: it is failures that are looked for, not throughput. */
const PAUSE_MS = 20;

/** Starts it. @param pauseMs after each call, of each kind */
export async function startLoad(customerUrl: string, pauseMs = PAUSE_MS): Promise<Load> {
  const stopping = new AbortController();
  const stream = await openStream(customerUrl);
  const order = (via: 'http' | 'grpc') => async () => {
    const { status, text } = await placeOrder(customerUrl, { item: uniqueItem('load'), via });
    if (status !== 201) throw new Error(`${status} ${text}`);
  };
  const read = async () => {
    const { status, text } = await call(`${customerUrl}/api/orders?page_size=5`);
    if (status !== 200) throw new Error(`${status} ${text}`);
  };
  const start = (name: string, once: () => Promise<void>) => repeat({ name, once, pauseMs }, stopping.signal);
  const loops = [
    start('orders by HTTPS', order('http')),
    start('orders by gRPC', order('grpc')),
    start('reads through PostgreSQL', read),
  ];
  return {
    calls: loops.map(({ calls }) => calls),
    stream: stream.state,
    async stop() {
      stopping.abort();
      await Promise.all(loops.map(({ ended }) => ended));
      stream.close();
    },
  };
}

interface Repeated {
  readonly name: string;
  readonly pauseMs: number;
  once(): Promise<void>;
}

function repeat({ name, once, pauseMs }: Repeated, stopping: AbortSignal): { calls: Calls; ended: Promise<void> } {
  const calls: Calls = { name, succeeded: 0, failures: [] };
  const run = async () => {
    while (!stopping.aborted) {
      try {
        await once();
        calls.succeeded += 1;
      } catch (error) {
        calls.failures.push(error instanceof Error ? error.message : String(error));
      }
      await pause(pauseMs);
    }
  };
  return { calls, ended: run() };
}

/** Server-sent events of new orders: behind one connection at the edge, gRPC streams come and go with each rotation. */
async function openStream(customerUrl: string): Promise<{ state: { orders: number; ended: boolean }; close(): void }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${customerUrl}/api/orders/stream`, { agent: false }, resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`prove: the stream of orders was answered ${response.statusCode}`);
  const state = { orders: 0, ended: false };
  let isClosed = false;
  const onEnd = () => {
    if (!isClosed) state.ended = true;
  };
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    state.orders += text.match(/^data:/gm)?.length ?? 0;
  });
  response.on('error', onEnd).on('close', onEnd);
  return {
    state,
    close() {
      isClosed = true;
      response.destroy();
    },
  };
}
