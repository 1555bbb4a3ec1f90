/**
 * What the page knows, and how a snapshot or a patch changes it. Whatever did not change stays the very same object, so that
 * a view that shows it has nothing to do.
 */
import type { LoadState } from '../../../src/wire/actions.ts';
import type { DecisionSummary, Edge, Refusal, Sample, TraceSummary, Workload } from '../../../src/wire/model.ts';
import { type Patch, RECENT, SAMPLE_SECONDS, type Snapshot } from '../../../src/wire/stream.ts';

/** What the stream told. */
export interface Known {
  /** By {@link Workload.id}. */
  readonly workloads: ReadonlyMap<string, Workload>;
  /** By {@link Edge.key}. */
  readonly edges: ReadonlyMap<string, Edge>;
  /** These three newest first, at most {@link RECENT}. */
  readonly refusals: readonly Refusal[];
  readonly decisions: readonly DecisionSummary[];
  readonly traces: readonly TraceSummary[];
  /** Oldest first, at most {@link SAMPLE_SECONDS}. */
  readonly samples: readonly Sample[];
  readonly load: LoadState;
  readonly revision: number;
}

export const nothingKnown: Known = {
  workloads: new Map(),
  edges: new Map(),
  refusals: [],
  decisions: [],
  traces: [],
  samples: [],
  load: { perSecond: 0, sent: 0, failed: 0 },
  revision: -1,
};

export function fromSnapshot(snapshot: Snapshot): Known {
  return {
    workloads: new Map(snapshot.workloads.map((workload) => [workload.id, workload])),
    edges: new Map(snapshot.edges.map((edge) => [edge.key, edge])),
    refusals: snapshot.refusals.slice(0, RECENT),
    decisions: snapshot.decisions.slice(0, RECENT),
    traces: snapshot.traces.slice(0, RECENT),
    samples: snapshot.samples.slice(-SAMPLE_SECONDS),
    load: snapshot.load,
    revision: snapshot.revision,
  };
}

export function withPatch(known: Known, patch: Patch): Known {
  return {
    workloads: mergeMap(known.workloads, patch.workloads, ({ id }) => id, patch.gone?.workloads),
    edges: mergeMap(known.edges, patch.edges, ({ key }) => key, patch.gone?.edges),
    refusals: mergeNewest(
      known.refusals,
      patch.refusals,
      ({ seq }) => seq,
      ({ seq }) => seq,
    ),
    decisions: mergeNewest(
      known.decisions,
      patch.decisions,
      ({ id }) => id,
      ({ at }) => at,
    ),
    traces: mergeNewest(
      known.traces,
      patch.traces,
      ({ traceId }) => traceId,
      ({ startedAt }) => startedAt,
    ),
    samples: mergeSamples(known.samples, patch.samples),
    load: patch.load ?? known.load,
    revision: patch.revision,
  };
}

function mergeMap<T>(
  known: ReadonlyMap<string, T>,
  changed: readonly T[] | undefined,
  keyOf: (item: T) => string,
  gone: readonly string[] | undefined,
): ReadonlyMap<string, T> {
  if (!changed?.length && !gone?.length) return known;
  const merged = new Map(known);
  for (const item of changed ?? []) merged.set(keyOf(item), item);
  for (const key of gone ?? []) merged.delete(key);
  return merged;
}

/** Changed ones take the place of what they change; new ones go in by their time. */
function mergeNewest<T>(
  known: readonly T[],
  changed: readonly T[] | undefined,
  keyOf: (item: T) => string | number,
  orderOf: (item: T) => number,
): readonly T[] {
  if (!changed?.length) return known;
  const fresh = new Map(changed.map((item) => [keyOf(item), item]));
  const kept = known.filter((item) => !fresh.has(keyOf(item)));
  return [...fresh.values(), ...kept].sort((a, b) => orderOf(b) - orderOf(a)).slice(0, RECENT);
}

function mergeSamples(known: readonly Sample[], changed: readonly Sample[] | undefined): readonly Sample[] {
  if (!changed?.length) return known;
  const fresh = new Map(changed.map((sample) => [sample.at, sample]));
  const kept = known.filter(({ at }) => !fresh.has(at));
  return [...kept, ...fresh.values()].sort((a, b) => a.at - b.at).slice(-SAMPLE_SECONDS);
}
