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
  readonly steps: readonly StepFigures[];
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
