/**
 * What the store keeps at most. Anybody who reaches the OTLP port can send anything, so everything that a sender can name
 * is bounded; what is oldest is forgotten first.
 */
export const LIMITS = {
  workloads: 100,
  edges: 300,
  /** Processes of one workload. */
  instances: 8,
  /** Decisions and traces that let a call in, and beside them those that did not: load does not push a refusal out. */
  decisionsLetIn: 400,
  decisionsOther: 200,
  tracesLetIn: 400,
  tracesOther: 200,
  refusals: 200,
  /** Refusals that another service passed on, until that one's own record comes. */
  passedOn: 200,
  /** The page draws no more. */
  spansOfTrace: 500,
  bytesOfTrace: 1024 * 1024,
  bytesOfTraces: 16 * 1024 * 1024,
  bytesOfDecision: 64 * 1024,
  bytesOfDecisions: 4 * 1024 * 1024,
  attributesOfSpan: 64,
  /** What is forgotten is remembered this long, for streams that resume. */
  tombstones: 1_000,
  /** Spans whose facts wait for their `request` record, and the other way round. */
  spanFacts: 2_000,
} as const;

/** Characters of a text. */
export const TEXT = { id: 2_048, name: 256, sentence: 1_024 } as const;
