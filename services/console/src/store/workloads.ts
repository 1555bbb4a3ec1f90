/**
 * The nodes of the map: who reports, and whom others name. A process says who it is by its SPIFFE ID in what it sends; until
 * it does, it is taken for the workload that another process of the same service was.
 */
import type { Workload, WorkloadState } from '../wire/model.ts';
import type { IdentityFacts } from './identity-facts.ts';
import {
  type IdentityReading,
  type Instance,
  isRotation,
  newInstance,
  viewOf,
  withIdentity,
  withReading,
  withSerial,
} from './instances.ts';
import { LIMITS } from './limits.ts';
import type { Revision } from './revision.ts';
import type { Sender } from './sender.ts';
import { workloadNameOf } from './spiffe-name.ts';
import { createTracked, type Tracked } from './tracked.ts';

export interface Workloads {
  readonly tracked: Tracked<Workload>;
  /** Something came from this process. */
  report(sender: Sender, nowMs: number): void;
  /** It names itself, and perhaps the SVID that it presents. */
  named(sender: Sender, self: { readonly id: string; readonly serial?: string | undefined }): void;
  identity(sender: Sender, facts: IdentityFacts): void;
  reading(sender: Sender, reading: IdentityReading): void;
  stopped(sender: Sender): void;
  /** Who a process is, as far as it has said. */
  idOf(sender: Sender): string | undefined;
  /** Somebody names it as the other end. @param believed whether that end was verified */
  seen(id: string, atMs: number, believed: boolean): boolean;
  tick(nowMs: number): void;
}

export interface WorkloadsOptions {
  readonly revision: Revision;
  /** Without a report for so long a process is `silent`. */
  readonly silentAfterMs: number;
  readonly onRotation: (atMs: number) => void;
  readonly onForget: (id: string) => void;
}

interface Node {
  readonly id: string;
  /** Whether anybody verified that there is such a one; a claim in a refused handshake is none. */
  believed: boolean;
  rotations: number;
  lastSeenAt: number;
}

/** How often a report alone changes what is shown. */
const REPORT_EVERY_MS = 1_000;
/** How long a stopped process stays beside one that runs. */
const KEEP_SILENT_MS = 30_000;

export function createWorkloads(options: WorkloadsOptions): Workloads {
  const tracked = createTracked<Workload>(options.revision);
  const nodes = new Map<string, Node>();
  const instances = new Map<string, Instance>();

  function node(id: string, atMs: number): Node | undefined {
    if (workloadNameOf(id) === undefined) return undefined;
    const known = nodes.get(id);
    if (known !== undefined) return known;
    if (nodes.size >= LIMITS.workloads) forget(leastMissed());
    const made = { id, believed: false, rotations: 0, lastSeenAt: atMs };
    nodes.set(id, made);
    return made;
  }

  function forget(id: string): void {
    nodes.delete(id);
    tracked.delete(id);
    for (const each of instancesOf(id)) instances.delete(each.instanceId);
    options.onForget(id);
  }

  /** Of those that only a refused certificate named if there are any, then of those that send nothing, the longest unseen. */
  function leastMissed(): string {
    const all = [...nodes.values()];
    const silent = all.filter(({ id }) => instancesOf(id).length === 0);
    const unbelieved = silent.filter(({ believed }) => !believed);
    const [first, ...others] = unbelieved.length > 0 ? unbelieved : silent.length > 0 ? silent : all;
    return (
      others.reduce((oldest, each) => (each.lastSeenAt < (oldest?.lastSeenAt ?? 0) ? each : oldest), first)?.id ?? ''
    );
  }

  function instancesOf(id: string): Instance[] {
    return [...instances.values()].filter(({ workloadId }) => workloadId === id).reverse();
  }

  function show(id: string | undefined): void {
    const found = id === undefined ? undefined : nodes.get(id);
    if (found !== undefined) tracked.set(found.id, workloadOf(found, instancesOf(found.id)));
  }

  /** Changes an instance and shows it, with whoever it was before. */
  function change(sender: Sender, make: (instance: Instance) => Instance, nowMs = 0): void {
    const before = instances.get(sender.instanceId) ?? withGuessedId(newInstance(sender, nowMs), instances.values());
    const after = make(before);
    if (after === before && instances.has(sender.instanceId)) return;
    instances.set(sender.instanceId, after);
    if (after.workloadId !== undefined) node(after.workloadId, after.lastReportAt);
    forgetInstances(instances, after.workloadId);
    if (before.workloadId !== after.workloadId) show(before.workloadId);
    show(after.workloadId);
  }

  return {
    tracked,
    idOf: ({ instanceId }) => instances.get(instanceId)?.workloadId,
    report(sender, nowMs) {
      change(
        sender,
        (instance) => (isNews(instance, nowMs) ? { ...instance, silent: false, lastReportAt: nowMs } : instance),
        nowMs,
      );
    },
    named(sender, { id, serial }) {
      if (workloadNameOf(id) === undefined) return;
      change(sender, (instance) => {
        const named = instance.workloadId === id ? instance : { ...instance, workloadId: id };
        return serial === undefined ? named : withSerial(named, serial);
      });
    },
    identity(sender, facts) {
      const before = instances.get(sender.instanceId);
      if (facts.type === 'update' && workloadNameOf(facts.spiffeId) === undefined) return;
      if (before !== undefined && isRotation(before, facts)) {
        const rotated = nodes.get(before.workloadId ?? '');
        if (rotated !== undefined) rotated.rotations += 1;
        options.onRotation(facts.at);
      }
      change(sender, (instance) => withIdentity(instance, facts));
    },
    reading: (sender, reading) => change(sender, (instance) => withReading(instance, reading)),
    stopped: (sender) => change(sender, (instance) => ({ ...instance, stopped: true })),
    seen(id, atMs, believed) {
      const found = node(id, atMs);
      if (found === undefined) return false;
      const isNew = tracked.get(id) === undefined || atMs - found.lastSeenAt >= REPORT_EVERY_MS;
      found.believed ||= believed;
      if (isNew) found.lastSeenAt = Math.max(found.lastSeenAt, atMs);
      if (isNew) show(id);
      return true;
    },
    tick(nowMs) {
      for (const [instanceId, instance] of instances) {
        const quietMs = nowMs - instance.lastReportAt;
        const { workloadId, stopped, silent } = instance;
        if (
          (stopped || silent) &&
          quietMs > KEEP_SILENT_MS &&
          (workloadId === undefined || instancesOf(workloadId).some(isLive))
        ) {
          instances.delete(instanceId);
          show(workloadId);
        } else if (!stopped && !silent && quietMs > options.silentAfterMs) {
          instances.set(instanceId, { ...instance, silent: true });
          show(workloadId);
        }
      }
    },
  };
}

function isNews({ silent, stopped, lastReportAt }: Instance, nowMs: number): boolean {
  return (silent && !stopped) || nowMs - lastReportAt >= REPORT_EVERY_MS;
}

function isLive({ stopped, silent }: Instance): boolean {
  return !stopped && !silent;
}

/** A service that starts without an identity can't say who it is; the one before it could. */
function withGuessedId(instance: Instance, others: Iterable<Instance>): Instance {
  const before = [...others]
    .reverse()
    .find(({ service, workloadId }) => service === instance.service && workloadId !== undefined);
  return before?.workloadId === undefined ? instance : { ...instance, workloadId: before.workloadId };
}

/** Too many of one workload, or too many that never said who they are: the oldest go. */
function forgetInstances(instances: Map<string, Instance>, workloadId: string | undefined): void {
  const max = workloadId === undefined ? LIMITS.workloads : LIMITS.instances;
  const same = [...instances.values()].filter((each) => each.workloadId === workloadId);
  for (const { instanceId } of same.slice(0, Math.max(0, same.length - max))) instances.delete(instanceId);
}

function workloadOf({ id, rotations, lastSeenAt }: Node, instances: readonly Instance[]): Workload {
  const views = instances.map(viewOf);
  const newest = instances.find((each) => isLive(each) && each.svid !== undefined) ?? instances[0];
  const { name, trustDomain } = workloadNameOf(id) ?? { name: id, trustDomain: '' };
  return {
    id,
    name,
    trustDomain,
    state: stateOf(views.map(({ state }) => state)),
    instances: views,
    ...(newest?.svid !== undefined && { svid: newest.svid }),
    trustDomains: newest?.trustDomains ?? [],
    rotations,
    lastSeenAt: Math.max(lastSeenAt, ...views.map(({ lastReportAt }) => lastReportAt)),
  };
}

/** The best of its processes: a workload is there as long as one of them is. */
function stateOf(states: readonly WorkloadState[]): WorkloadState {
  const order: readonly WorkloadState[] = ['ready', 'no-identity', 'silent'];
  return order.find((state) => states.includes(state)) ?? 'seen';
}
