/**
 * Waits until what was changed at the trust domain has reached the workloads: each says so in its log. On SPIRE the agent
 * asks every five seconds, and a CA must not be used, or dropped, before everybody knows.
 */
import { LocalStackError } from './errors.ts';
import type { LogRecord } from './part.ts';
import type { ProgramName } from './supervisor.ts';
import type { RunningSystem } from './system.ts';

/** The programs that hold an identity for as long as the system runs: the workload of that name, and how each tells of a change. */
const holders = {
  customer: { event: 'identity', withdrawn: isWithdrawnSource },
  backend: { event: 'identity', withdrawn: isWithdrawnSource },
  'db-client': { event: 'identity', withdrawn: isWithdrawnSource },
  postgres: { event: 'certificate', withdrawn: (record: LogRecord) => record['event'] === 'withdrawn' },
} as const satisfies Partial<Record<ProgramName, unknown>>;

/** A workload that runs as long as the system does. */
export type Holder = keyof typeof holders;

/** What a workload may hear of. */
export type IdentityNews =
  /** A new SVID, or new bundles, in its own record of an update. */
  | { readonly changed: 'svid' | 'bundles' }
  /** That it has no identity any more. */
  | { readonly withdrawn: true }
  /** Whether it has the bundle of this trust domain. */
  | { readonly trusts: boolean; readonly trustDomain: string };

const updateTimeoutMs = 45_000;

/** Names of the workloads that run as long as the system does. */
export function holderNames(): readonly Holder[] {
  return Object.keys(holders) as Holder[];
}

/** Whether the workload of this name runs as long as the system does. */
export function isHolder(workload: string): workload is Holder {
  return Object.hasOwn(holders, workload);
}

/** Who is to hear of what. */
export interface Hearing {
  readonly news: IdentityNews;
  readonly workloads: Iterable<Holder>;
  /** How long they have; 45 000 by default, for the agent of SPIRE. */
  readonly timeoutMs?: number;
}

/**
 * Does something, and resolves when each of these workloads has heard of it since.
 * @throws {LocalStackError} `CONTROL_TIMEOUT` and who has not
 */
export async function untilHeard(
  system: Pick<RunningSystem, 'waitForLog'>,
  hearing: Hearing,
  change: () => Promise<unknown>,
): Promise<void> {
  const since = recordsFromNow();
  await change();
  await untilHeardSince(system, hearing, since);
}

/** The same for what was done already. @param since a test of records, by {@link recordsFromNow} */
export async function untilHeardSince(
  system: Pick<RunningSystem, 'waitForLog'>,
  { news, workloads, timeoutMs = updateTimeoutMs }: Hearing,
  since: (record: LogRecord) => boolean,
): Promise<void> {
  const names = [...workloads];
  const heard = await Promise.allSettled(
    names.map((name) => system.waitForLog(name, (record) => since(record) && tells(name, record, news), timeoutMs)),
  );
  const deaf = names.filter((_, index) => heard[index]?.status === 'rejected');
  if (deaf.length === 0) return;
  throw new LocalStackError(
    'CONTROL_TIMEOUT',
    `it was done, but not heard of within ${timeoutMs / 1_000} s by ${deaf.join(', ')}; npm run doctor looks for the reason`,
  );
}

/** Does something, and resolves when every program that holds an identity has had an update of this kind since. */
export function untilEveryoneHas(
  system: Pick<RunningSystem, 'waitForLog'>,
  changed: 'svid' | 'bundles',
  change: () => Promise<unknown>,
): Promise<void> {
  return untilHeard(system, { news: { changed }, workloads: holderNames() }, change);
}

/** A test of records: true for those written after this call. */
export function recordsFromNow(): (record: LogRecord) => boolean {
  const now = new Date().toISOString();
  return (record) => String(record['time']) > now;
}

function tells(name: Holder, record: LogRecord, news: IdentityNews): boolean {
  if ('withdrawn' in news) return holders[name].withdrawn(record);
  if (record['event'] !== holders[name].event) return false;
  if ('changed' in news) return memberOf(record['changed'], news.changed) === true;
  const known = record['trustDomains'];
  return Array.isArray(known) && known.includes(news.trustDomain) === news.trusts;
}

function isWithdrawnSource(record: LogRecord): boolean {
  return record['event'] === 'identity' && record['type'] === 'withdrawn';
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}
