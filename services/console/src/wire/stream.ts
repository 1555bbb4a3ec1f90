/**
 * `GET /api/events`: the one stream of events (SSE) that feeds the page. Its first event is a `snapshot`, or, when the browser
 * resumes with `Last-Event-ID` and nothing was forgotten since, the `patch`es that it missed. Then a `patch` at most every
 * {@link PATCH_EVERY_MS}, with whatever changed since the one before. The ID of an event is `<epoch>-<revision>`: an epoch
 * is one run of the console. A page that reads too slowly is not written to until its socket has drained; what it missed
 * comes as one patch, or, when too much was missed, as a new snapshot. A comment is sent every 15 s while nothing happens.
 */
import type { LoadState } from './actions.ts';
import type { DecisionSummary, Edge, Refusal, Sample, TraceSummary, Workload } from './model.ts';

export const PATCH_EVERY_MS = 250;
/** How many of each a snapshot has, the newest first; the page keeps no more. */
export const RECENT = 200;
/** Seconds of samples. */
export const SAMPLE_SECONDS = 600;

/** `event: snapshot`: everything. */
export interface Snapshot {
  readonly revision: number;
  /** The console's clock when it was sent: countdowns are reckoned by it, whatever the browser's own clock says. */
  readonly now: number;
  readonly workloads: readonly Workload[];
  readonly edges: readonly Edge[];
  /** These four newest first, at most {@link RECENT}. */
  readonly refusals: readonly Refusal[];
  readonly decisions: readonly DecisionSummary[];
  readonly traces: readonly TraceSummary[];
  /** Oldest first, at most {@link SAMPLE_SECONDS}. */
  readonly samples: readonly Sample[];
  readonly load: LoadState;
}

/** `event: patch`: whole new values of what changed, by their keys (`id`, `key`, `seq`, `id`, `traceId`, `at`). */
export interface Patch extends Partial<Omit<Snapshot, 'revision' | 'now'>> {
  readonly revision: number;
  readonly now: number;
  /** IDs of workloads and keys of edges that were forgotten. */
  readonly gone?: { readonly workloads?: readonly string[]; readonly edges?: readonly string[] };
}
