/**
 * The logs of workloads' pods, those that come later included, as records: what services say of a call is how a test knows
 * who refused it and why.
 */
import type { LogRecord } from '@countersign/local-stack';
import { createLogWatch, type RecordPredicate } from '../../../packages/local-stack/src/log-watch.ts';
import type { Api } from './api.ts';
import { eventually } from './eventually.ts';
import { NAME_LABEL, NAMESPACES } from './names.ts';
import { type ContainerStatus, corePath, type ListOf, type Pod } from './objects.ts';

/** Logs of some workloads, from when they were opened. */
export interface PodLogs extends AsyncDisposable {
  /** Records that match, oldest first. Each also has `pod`, and `container`. */
  find(workload: string, predicate: RecordPredicate): LogRecord[];
  /** The first that matches, of those there are and those to come. */
  waitFor(workload: string, predicate: RecordPredicate, timeoutMs?: number): Promise<LogRecord>;
}

/** Enough for the longest test under load. */
const KEPT_RECORDS = 50_000;

/** Where a container's log is read from. */
interface Source {
  readonly pod: string;
  readonly container: string;
  readonly workload: string;
}

/** Opens them. Nothing that is written after this call began is missed, and nothing from before is in them. */
export async function openLogs(
  api: Api,
  workloads: readonly string[],
  namespace: string = NAMESPACES.shop,
): Promise<PodLogs> {
  const since = new Date();
  const watch = createLogWatch(KEPT_RECORDS);
  const stopping = new AbortController();
  const streams = new Set<Promise<void>>();
  const followed = new Set<string>();
  const run = (stream: Promise<void>) => {
    const ended = stream.catch(() => {}).finally(() => streams.delete(ended));
    streams.add(ended);
  };
  const followPod = (pod: Pod) => {
    for (const { key, container } of startedContainers(pod)) {
      if (followed.has(key)) continue;
      followed.add(key);
      const source = { pod: pod.metadata.name, container, workload: pod.metadata.labels?.[NAME_LABEL] ?? '' };
      const path = logPath(source, namespace, since);
      run(readWhole(api, path, stopping.signal, (line) => addLine(watch, source, line, since)));
    }
  };
  const pods = `${corePath('pods', '', namespace)}?labelSelector=${encodeURIComponent(`${NAME_LABEL} in (${workloads.join(',')})`)}`;
  const { items, metadata } = await api.get<ListOf<Pod>>(pods);
  for (const pod of items) followPod(pod);
  const changes = `${pods}&watch=true&resourceVersion=${metadata.resourceVersion}`;
  run(api.lines(changes, stopping.signal, (line) => onChange(line, followPod)));
  return {
    find: watch.find,
    waitFor: (workload, predicate, timeoutMs = 20_000) => watch.waitFor(workload, predicate, timeoutMs),
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(streams);
    },
  };
}

/** A container that was just started may have no log yet. */
function readWhole(api: Api, path: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
  return eventually(10_000, async () => {
    if (!signal.aborted) await api.lines(path, signal, onLine);
  });
}

function onChange(line: string, followPod: (pod: Pod) => void): void {
  const { type, object }: { type: string; object: Pod } = JSON.parse(line);
  if (type === 'ADDED' || type === 'MODIFIED') followPod(object);
}

/** Containers that have or had a log, each start of one by itself. */
function startedContainers({ metadata, status }: Pod): Array<{ key: string; container: string }> {
  const all: readonly ContainerStatus[] = [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
  ];
  return all
    .filter(({ state }) => state?.running !== undefined || state?.terminated !== undefined)
    .map(({ name, restartCount }) => ({ key: `${metadata.uid} ${name} ${restartCount}`, container: name }));
}

function logPath({ pod, container }: Source, namespace: string, since: Date): string {
  const seconds = new Date(Math.floor(since.getTime() / 1_000) * 1_000).toISOString().replace('.000', '');
  return `${corePath('pods', pod, namespace)}/log?container=${container}&follow=true&timestamps=true&sinceTime=${seconds}`;
}

/** The kubelet's timestamp, then the line. Anything that is no JSON object comes as `message`. */
function addLine(watch: ReturnType<typeof createLogWatch>, source: Source, line: string, since: Date): void {
  const space = line.indexOf(' ');
  if (Date.parse(line.slice(0, space)) < since.getTime()) return;
  watch.add(source.workload, { ...recordOf(line.slice(space + 1)), pod: source.pod, container: source.container });
}

function recordOf(text: string): LogRecord {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value));
  } catch {
    // A program of somebody else's.
  }
  return { message: text };
}
