/** The console as its page sees it: the stream of events, kept together as one state. */
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Patch, Snapshot } from '../../../services/console/src/wire/stream.ts';
import { type Forward, forward } from './forward.ts';
import { NAMESPACES } from './names.ts';

/** Where its page is, on its pod's loopback. */
const PORT = 8090;

/** What the page keeps. */
export type ConsoleState = Pick<Snapshot, 'workloads' | 'refusals' | 'decisions' | 'traces'>;

/** A page's connection. */
export interface OpenConsole extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** What was told so far. */
  state(): ConsoleState;
}

/** Connects to it, as a person's browser does, by a port forward. */
export async function openConsole(): Promise<OpenConsole> {
  await using opened = new AsyncDisposableStack();
  const forwarded: Forward = opened.use(await forward('deployment/console', PORT, NAMESPACES.observability));
  const stream = await openStream(`${forwarded.url}/api/events`);
  opened.defer(() => void stream.destroy());
  let state: ConsoleState = { workloads: [], refusals: [], decisions: [], traces: [] };
  readEvents(stream, (event) => {
    state = merge(state, event);
  });
  const kept = opened.move();
  return { url: forwarded.url, state: () => state, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function openStream(url: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false, headers: { accept: 'text/event-stream' } }, resolve).once('error', reject);
  });
  if (response.statusCode !== 200) throw new Error(`the console's events were answered ${response.statusCode}`);
  return response;
}

/** Each event is one line of data: a snapshot, which names everything, or a patch. */
function readEvents(stream: IncomingMessage, onEvent: (event: Patch) => void): void {
  const lines = createInterface({ input: stream });
  stream.on('error', () => lines.close());
  lines.on('error', () => {});
  lines.on('line', (line) => {
    if (line.startsWith('data:')) onEvent(JSON.parse(line.slice('data:'.length)));
  });
}

function merge(state: ConsoleState, event: Patch): ConsoleState {
  return {
    workloads: replace(state.workloads, event.workloads, ({ id }) => id),
    refusals: replace(state.refusals, event.refusals, ({ seq }) => String(seq)),
    decisions: replace(state.decisions, event.decisions, ({ id }) => id),
    traces: replace(state.traces, event.traces, ({ traceId }) => traceId),
  };
}

/** Whole new values, by their keys. */
function replace<T>(known: readonly T[], changed: readonly T[] | undefined, keyOf: (value: T) => string): readonly T[] {
  if (changed === undefined) return known;
  return [...new Map([...known, ...changed].map((value) => [keyOf(value), value])).values()];
}
