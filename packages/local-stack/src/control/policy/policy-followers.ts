/**
 * The services that decide, and whether each of them has taken new grants: they say so in their logs.
 */
import type { PartName } from '../../definitions.ts';
import { LocalStackError, messageOf } from '../../errors.ts';
import type { LogRecord } from '../../part.ts';
import type { RunningSystem } from '../../system.ts';

/** What is needed of the system. */
export type FollowedSystem = Pick<RunningSystem, 'identities' | 'waitForLog' | 'findLogs' | 'pidOf'>;

/** Services, by how they took new grants. */
export interface Uptake {
  readonly taken: readonly PartName[];
  /** Each with why not, as one text a service. */
  readonly missed: readonly string[];
}

/** Those that run now; one that does not will read the file when it starts. */
export function runningFollowers({ identities, pidOf }: FollowedSystem): readonly PartName[] {
  const called = Object.keys(identities.grants());
  return (['customer', 'backend', 'db-client'] as const).filter(
    (name) => called.includes(identities.workload(name).spiffeId) && pidOf(name) !== undefined,
  );
}

/** What is waited for. */
export interface UptakeOptions {
  readonly system: FollowedSystem;
  readonly services: readonly PartName[];
  /** Of the policy, as services log it. */
  readonly revision: string;
  readonly withinMs: number;
  change(): Promise<void>;
}

/**
 * Makes the change, and resolves when each service has taken the policy of this revision, refused one, or not said anything
 * for too long.
 */
export async function untilTaken(options: UptakeOptions): Promise<Uptake> {
  const answers = options.services.map((name) => answerOf(name, options));
  await options.change();
  const missed = await Promise.all(answers);
  return {
    taken: options.services.filter((_, index) => missed[index] === undefined),
    missed: missed.filter((why) => why !== undefined),
  };
}

/** `undefined` when it took it; otherwise why not. Never rejects: it is begun before the change, which may fail. */
async function answerOf(name: PartName, { system, revision, withinMs }: UptakeOptions): Promise<string | undefined> {
  const known = new Set(system.findLogs(name, isPolicy));
  const answers = (record: LogRecord) =>
    isPolicy(record) && !known.has(record) && (isRefusal(record) || record['revision'] === revision);
  try {
    const record = await system.waitForLog(name, answers, withinMs);
    return isRefusal(record) ? `${name} refused it: ${String(record['message'])}` : undefined;
  } catch (error) {
    if (error instanceof LocalStackError && error.code === 'PART_TIMEOUT')
      return `${name} has not taken it within ${withinMs / 1000} s`;
    return `${name}: ${messageOf(error)}`;
  }
}

const isPolicy = (record: LogRecord): boolean => record['event'] === 'policy';
const isRefusal = (record: LogRecord): boolean => record['code'] === 'DATA_INVALID';
