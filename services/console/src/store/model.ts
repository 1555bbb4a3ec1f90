/** The parts of the model, and how they hang together: what one forgets, another need not keep. */
import { createDecisions, type Decisions } from './decisions.ts';
import { createEdges, type Edges } from './edges.ts';
import { createRefusals, type Refusals } from './refusals.ts';
import { createRevision, type Revision } from './revision.ts';
import { createSamples, type Samples } from './samples.ts';
import { createTraces, type Traces } from './traces.ts';
import { createWorkloads, type Workloads } from './workloads.ts';

export interface Model {
  readonly revision: Revision;
  readonly workloads: Workloads;
  readonly edges: Edges;
  readonly refusals: Refusals;
  readonly decisions: Decisions;
  readonly traces: Traces;
  readonly samples: Samples;
  tick(nowMs: number): void;
}

export interface ModelOptions {
  readonly silentAfterMs: number;
  readonly linkTo?: (traceId: string) => string;
}

export function createModel({ silentAfterMs, linkTo }: ModelOptions): Model {
  const revision = createRevision();
  const samples = createSamples(revision);
  const edges = createEdges(revision);
  const refusals = createRefusals(revision, ({ at }) => samples.addRefused(at));
  const workloads = createWorkloads({
    revision,
    silentAfterMs,
    onRotation: samples.addRotation,
    onForget: edges.forget,
  });
  return {
    revision,
    workloads,
    edges,
    refusals,
    samples,
    decisions: createDecisions(revision),
    traces: createTraces(revision, linkTo),
    tick(nowMs) {
      workloads.tick(nowMs);
      refusals.tick(nowMs);
      edges.tick(nowMs);
      samples.tick(nowMs);
    },
  };
}
