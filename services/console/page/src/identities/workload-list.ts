/** Workloads as the tab lists them: what the system has registered, beside what their own telemetry says of them. */

import type { StackWorkload } from '@countersign/local-stack/control';
import type { Edge, Workload } from '../../../src/wire/model.ts';

/** One line of the list. */
export interface ListedWorkload {
  readonly id: string;
  readonly name: string;
  /** Whether it is one of the long-running programs. */
  readonly runs: boolean;
  /** Absent while the system's control is away. */
  readonly registered?: boolean;
  /** Absent when nothing was heard of it. */
  readonly live?: Workload;
}

/** In the order of the system's own list; without it, those that have an identity and have been heard of. */
export function listWorkloads(
  registered: readonly StackWorkload[] | undefined,
  live: ReadonlyMap<string, Workload>,
): readonly ListedWorkload[] {
  if (registered === undefined) {
    return [...live.values()]
      .filter(({ trustDomain }) => trustDomain !== '')
      .map((workload) => ({ id: workload.id, name: workload.name, runs: workload.state !== 'seen', live: workload }));
  }
  return registered.map(({ spiffeId, ...rest }) => {
    const heard = live.get(spiffeId);
    return { id: spiffeId, ...rest, ...(heard === undefined ? {} : { live: heard }) };
  });
}

/** Calls that were made lately and need this identity at one of their ends: they fail while it is withdrawn. */
export function callsOf(id: string, edges: ReadonlyMap<string, Edge>): readonly Edge[] {
  return [...edges.values()].filter(({ from, to, last }) => (from === id || to === id) && last.outcome === 'allow');
}

/** How many of these present another certificate than they did at the beginning. */
export function renewedSince(
  before: Readonly<Record<string, string>>,
  live: ReadonlyMap<string, Workload>,
): { readonly renewed: number; readonly of: number } {
  const ids = Object.keys(before);
  return { renewed: ids.filter((id) => isRenewed(before[id], live.get(id))).length, of: ids.length };
}

function isRenewed(serial: string | undefined, now: Workload | undefined): boolean {
  return now?.svid !== undefined && now.svid.serial !== serial;
}

/** Serial numbers in use, by SPIFFE ID. */
export function serialsOf(live: ReadonlyMap<string, Workload>): Readonly<Record<string, string>> {
  const serials: Record<string, string> = {};
  for (const { id, svid, state } of live.values())
    if (svid !== undefined && state === 'ready') serials[id] = svid.serial;
  return serials;
}
