/**
 * What is looked at while the load runs: this process from inside, the services from outside, as the kernel sees them.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Bound } from './growth.ts';

const MIB = 1024 * 1024;

/** How much more of each figure is noise. */
const COUNT = { unit: '', tolerance: () => 8 };
const HEAP = { unit: 'MiB', tolerance: (before: number) => 8 + before / 10 };
/** Seen from outside, before V8 has collected what it could. */
const MEMORY = { unit: 'MiB', tolerance: (before: number) => 16 + before / 4 };

/** One look: a value for each figure. */
export type Sample = ReadonlyMap<string, number>;

/** What a figure may do, by its name. */
export function boundOf(name: string): Bound {
  if (name.endsWith('heap')) return { name, ...HEAP };
  return { name, ...(name.endsWith('memory') ? MEMORY : COUNT) };
}

/** Looks at everything once. Garbage is collected first, so that what is left is held by something. */
export async function takeSample(subscriptions: number, processes: ReadonlyMap<string, number>): Promise<Sample> {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('run by: npm run test:soak, which starts Node with --expose-gc');
  await gc({ execution: 'async', type: 'major' });
  // Finalizers run after the collection, and free what they hold outside of the heap.
  await nextTurn();
  const sample = new Map<string, number>([
    ['test: subscriptions', subscriptions],
    ['test: process listeners', process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)],
    ['test: heap', process.memoryUsage().heapUsed / MIB],
  ]);
  for (const [kind, resources] of Map.groupBy(process.getActiveResourcesInfo(), (name) => name))
    sample.set(`test: ${kind}`, resources.length);
  for (const [name, pid] of processes) {
    sample.set(`${name}: sockets`, socketsOf(pid));
    sample.set(`${name}: memory`, residentOf(pid) / MIB);
  }
  return sample;
}

/** A figure that is absent from a sample was zero then. */
export function seriesOf(samples: readonly Sample[]): Map<string, number[]> {
  const names = new Set(samples.flatMap((sample) => [...sample.keys()]));
  return new Map([...names].map((name) => [name, samples.map((sample) => sample.get(name) ?? 0)]));
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => isSocket(`/proc/${pid}/fd/${fd}`)).length;
}

function isSocket(link: string): boolean {
  try {
    return readlinkSync(link).startsWith('socket:');
  } catch {
    // Closed since the folder was read.
    return false;
  }
}

/** Bytes of anonymous memory: files that are mapped, the program among them, come and go as the kernel likes. */
function residentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}
