/**
 * What a run found, as it is kept in `bench/results`: every round's figures, so that whoever doubts a summary can make another.
 */
import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import type { Effort } from './plan.ts';
import type { StepFigures } from './step-figures.ts';

/** One load, one round. */
export interface RoundFigures {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the processes at either end, in seconds for 10 000 operations. */
  readonly clientCpu: number;
  readonly serverCpu: number;
}

/** One variant under one workload; rounds in the order in which they ran. */
export interface Series {
  readonly variant: string;
  readonly workload: string;
  readonly rounds: readonly RoundFigures[];
}

/** What a server's process occupied: a different thing on each runtime, and what its host has to have. */
export interface MemoryFigures {
  readonly variant: string;
  /** Before the first connection. */
  readonly idleBytes: number;
  /** After all rounds of all loads. */
  readonly loadedBytes: number;
}

/** What a Workload API that hands out this many federated bundles costs a workload. */
export interface BundleFigures {
  readonly bundles: number;
  /** Certificates in each of them. */
  readonly authorities: number;
  /** CPU time to take the first message, in which all is new. */
  readonly firstMs: number;
  /** CPU time to take one more, in which the workload's own SVID is new and the bundles are those that were there. */
  readonly updateMs: number;
  /** Verdict over a peer of one of these trust domains, its certificate seen before. */
  readonly verdictUs: number;
  /** What the first message left on the heap. */
  readonly heapBytes: number;
}

/** What a long run of SVID updates costs a process with servers, clients and open connections. */
export interface UpdateFigures {
  readonly updates: number;
  /** CPU time of one update, from the bytes on the socket to the last adapter: the middle batch and the dearest. */
  readonly medianMs: number;
  readonly worstMs: number;
  /** Heap in use after a collection: when the first tenth of the updates had come, and after all. */
  readonly heapEarlyBytes: number;
  readonly heapLateBytes: number;
}

/** The kind of machine, as far as figures depend on it. */
export interface MachineClass {
  readonly platform: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGb: number;
  readonly node: string;
  readonly openssl: string;
  /** Processes that wanted a core, over the minute before the run: above 0.5, something else was at work. */
  readonly loadBefore: number;
}

/** A whole run. */
export interface Results {
  /** ISO 8601. */
  readonly takenAt: string;
  readonly machine: MachineClass;
  readonly effort: Effort;
  /** What the HTTPS connections agreed on. */
  readonly handshakes: readonly string[];
  readonly series: readonly Series[];
  readonly memory: readonly MemoryFigures[];
  readonly steps: readonly StepFigures[];
  readonly bundles: readonly BundleFigures[];
  readonly updates: UpdateFigures;
}

export function describeMachine(): MachineClass {
  const processors = cpus();
  return {
    platform: `${platform()} ${arch()}`,
    cores: processors.length,
    processor: processors[0]?.model.trim() || 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    openssl: process.versions.openssl,
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
}
