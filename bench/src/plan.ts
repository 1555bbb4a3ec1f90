/**
 * What is measured: the variants that are compared, the loads they are put under, and for how long.
 */

/** How one variant is served and called. Its server and its client are processes of their own. */
export interface Variant {
  readonly name: string;
  readonly transport: 'https' | 'grpc';
  /**
   * `bare`: Node's TLS and nothing else. `countersign`: our adapters on both ends, and the guard. `adapter`: without the
   * guard, to tell what comes from where; no service runs like that.
   */
  readonly kind: 'bare' | 'adapter' | 'countersign';
  /** Session tickets. Only ever for `bare`: our adapters have none. */
  readonly resumption: boolean;
}

export const VARIANTS: readonly Variant[] = [
  { name: 'bare https', transport: 'https', kind: 'bare', resumption: false },
  { name: 'adapter alone, https', transport: 'https', kind: 'adapter', resumption: false },
  { name: 'countersign https', transport: 'https', kind: 'countersign', resumption: false },
  { name: 'bare gRPC', transport: 'grpc', kind: 'bare', resumption: false },
  { name: 'adapter alone, gRPC', transport: 'grpc', kind: 'adapter', resumption: false },
  { name: 'countersign gRPC', transport: 'grpc', kind: 'countersign', resumption: false },
  { name: 'bare https, resumed', transport: 'https', kind: 'bare', resumption: true },
];

/** Which figures are divided by which. */
export interface Comparison {
  readonly name: string;
  readonly figure: string;
  readonly baseline: string;
}

export const COMPARISONS: readonly Comparison[] = [
  { name: 'HTTPS', figure: 'countersign https', baseline: 'bare https' },
  { name: 'gRPC', figure: 'countersign gRPC', baseline: 'bare gRPC' },
  { name: 'HTTPS without guard', figure: 'adapter alone, https', baseline: 'bare https' },
  { name: 'gRPC without guard', figure: 'adapter alone, gRPC', baseline: 'bare gRPC' },
  { name: 'bare HTTPS, resumed', figure: 'bare https, resumed', baseline: 'bare https' },
];

/** A closed loop: each of `concurrency` callers sends its next request when it has the answer to the last. */
export interface Workload {
  readonly name: string;
  readonly concurrency: number;
  /** Each request over a connection of its own, handshake included. */
  readonly newConnections: boolean;
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'kept alive, 1 at a time', concurrency: 1, newConnections: false },
  { name: 'kept alive, 32 at once', concurrency: 32, newConnections: false },
  { name: 'new connections, 4 at once', concurrency: 4, newConnections: true },
];

/** Whether a variant takes part in a workload: resumption means something where connections are made, the guard where they stay. */
export function takesPart({ kind, resumption }: Variant, { newConnections }: Workload): boolean {
  return newConnections ? kind !== 'adapter' : !resumption;
}

/** How long a run measures. */
export interface Effort {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly roundMs: number;
  /** Samples of each microscopic measurement. */
  readonly samples: number;
}

export const FULL: Effort = { rounds: 7, warmUpMs: 1_000, roundMs: 800, samples: 50_000 };
export const QUICK: Effort = { rounds: 3, warmUpMs: 150, roundMs: 200, samples: 10_000 };
