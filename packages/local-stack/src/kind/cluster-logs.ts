/**
 * The logs of the system's pods, and a way to wait for what a change leads to in each of them. Time is told by the
 * node's clock alone (`--since` is counted there): a virtual machine's may be off from ours.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Identities } from '@countersign/identities';
import { LocalStackError } from '../errors.ts';
import type { LogRecord } from '../part.ts';
import { at, isObject, objectsAt, textAt } from './json.ts';
import type { Kubectl } from './kubectl.ts';

/** One line of one container. */
export interface PodLine {
  readonly pod: string;
  readonly container: string;
  /** When it was written, by the node's clock; RFC 3339 in UTC, so that order of text is order of time. */
  readonly time: string;
  readonly text: string;
  /** The line as a record; absent when it is none. */
  readonly record?: LogRecord;
}

/** Reads logs. */
export interface ClusterLogs {
  /** All lines of the last seconds, or the last lines of each container. */
  read(lastSeconds?: number): Promise<PodLine[]>;
  /** Makes a change and waits until each of the pods that ran before has written a line that says it has it. */
  untilEachHas(says: Says, change: () => Promise<unknown>): Promise<PodLine[]>;
  /** Does something and waits for the first line that is about it, in any pod. */
  untilOneHas(says: Says, change: () => Promise<unknown>): Promise<PodLine>;
}

/** Chooses a line. */
export type Says = (line: PodLine) => boolean;

/** How long and how often is waited; tests are in more of a hurry. */
export interface Patience {
  readonly timeoutMs: number;
  readonly intervalMs: number;
}

/** The agent asks its server every five seconds, and services look within two. */
const patience: Patience = { timeoutMs: 90_000, intervalMs: 1_000 };
/** Lines this young when a change is made are remembered as older than it. */
const overlapSeconds = 10;

/** @param names workloads whose pods are meant */
export function createClusterLogs(
  kubectl: Kubectl,
  { namespace }: Pick<Identities, 'namespace'>,
  names: readonly string[],
  { timeoutMs, intervalMs }: Patience = patience,
): ClusterLogs {
  const selector = `app.kubernetes.io/name in (${names.join(',')})`;
  const pods = ['-n', namespace, '-l', selector];
  const read = async (lastSeconds?: number): Promise<PodLine[]> => {
    const some = lastSeconds === undefined ? ['--tail=5000'] : ['--tail=-1', `--since=${lastSeconds}s`];
    const all = ['--all-containers', '--prefix', '--timestamps', '--max-log-requests=50', '--ignore-errors'];
    return linesIn(await kubectl.run(['logs', ...pods, ...all, ...some]));
  };
  // One that is going may be gone before it hears of anything.
  const running = async () =>
    objectsAt(await kubectl.get(['pods', ...pods]), 'items')
      .filter(
        (pod) => textAt(pod, 'status', 'phase') === 'Running' && at(pod, 'metadata', 'deletionTimestamp') === undefined,
      )
      .map((pod) => textAt(pod, 'metadata', 'name'));
  /** The lines that are written after a change was begun, again and again, until they are enough. */
  async function follow<T>(
    change: () => Promise<unknown>,
    enough: (fresh: readonly PodLine[]) => T | undefined,
    missing: () => string,
  ): Promise<T> {
    const older = new Set((await read(overlapSeconds)).map(keyOf));
    const startedAt = performance.now();
    await change();
    for (;;) {
      const elapsedMs = performance.now() - startedAt;
      const lines = await read(Math.ceil(elapsedMs / 1000) + overlapSeconds);
      const found = enough(lines.filter((line) => !older.has(keyOf(line))));
      if (found !== undefined) return found;
      if (elapsedMs > timeoutMs)
        throw new LocalStackError('PART_TIMEOUT', `not heard of within ${timeoutMs / 1000} s in ${missing()}`);
      await delay(intervalMs);
    }
  }

  return {
    read,
    async untilEachHas(says, change) {
      const waiting = new Set(await running());
      if (waiting.size === 0)
        throw new LocalStackError(
          'CLUSTER_FAILED',
          `no pod of ${names.join(', ')} runs: npm run kind -- up, or tilt up`,
        );
      const found: PodLine[] = [];
      const enough = (fresh: readonly PodLine[]) => {
        for (const line of fresh) if (waiting.has(line.pod) && says(line) && waiting.delete(line.pod)) found.push(line);
        return waiting.size === 0 ? found : undefined;
      };
      return await follow(change, enough, () => [...waiting].join(', '));
    },
    untilOneHas: (says, change) =>
      follow(
        change,
        (fresh) => fresh.find(says),
        () => names.join(', '),
      ),
  };
}

function keyOf({ pod, container, time, text }: PodLine): string {
  return `${pod}/${container} ${time} ${text}`;
}

const LINE = /^\[pod\/([^/\]]+)\/([^/\]]+)\] (\S+) ?(.*)$/;

/** `[pod/backend-7d9f-x/backend] 2026-11-29T12:00:00.123456789Z {"level":...}` */
function linesIn(output: string): PodLine[] {
  return output.split('\n').flatMap((line) => {
    const [, pod, container, time, text = ''] = LINE.exec(line) ?? [];
    if (pod === undefined || container === undefined || time === undefined) return [];
    const record = recordIn(text);
    return [{ pod, container, time, text, ...(record === undefined ? {} : { record }) }];
  });
}

function recordIn(text: string): LogRecord | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A line that says that its pod has a new SVID, or new bundles: our services tell it, and so does PostgreSQL's sidecar. */
export function hasNew(changed: 'svid' | 'bundles'): Says {
  return ({ record, text }) => {
    if (record?.['event'] !== 'identity') return text.includes('X.509 certificates updated');
    const what = record['changed'];
    return isObject(what) && what[changed] === true;
  };
}

/** Every workload that holds an identity for as long as it runs. */
export const residents = ['customer', 'backend', 'db-client', 'postgres'];
