/**
 * What services take and nobody can have meant: names that no workload has, and peers that are granted nothing. A grant
 * for a name that is free is a grant for whoever gets that name.
 */
import { quote, SpiffeId } from '@countersign/spiffe-tls';
import { below } from './json-pointer.ts';

/** A warning's place and text. */
export interface GrantWarning {
  readonly at: string;
  readonly message: string;
}

/** @param knownIds SPIFFE IDs that a workload of this system, or of its partner, can have */
export function grantWarnings(grants: unknown, knownIds: ReadonlySet<string>): GrantWarning[] {
  return entriesOf(grants, '').flatMap(([self, peers, at]) => [
    ...idWarning(self, at, knownIds),
    ...entriesOf(peers, at).flatMap(([peer, operations, at]) => [
      ...idWarning(peer, at, knownIds),
      ...operationWarnings(operations, at, knownIds),
    ]),
  ]);
}

function operationWarnings(operations: unknown, at: string, knownIds: ReadonlySet<string>): GrantWarning[] {
  const granted = entriesOf(operations, at);
  if (granted.length === 0) return [{ at, message: 'this peer is granted nothing, and may not even connect' }];
  return granted.flatMap(([, grant, at]) =>
    entriesOf(ownOf(grant, 'origins'), below(at, 'origins')).flatMap(([origin, , at]) =>
      idWarning(origin, at, knownIds),
    ),
  );
}

function idWarning(id: string, at: string, knownIds: ReadonlySet<string>): GrantWarning[] {
  if (knownIds.has(id)) return [];
  try {
    SpiffeId.parse(id);
  } catch {
    return [{ at, message: `nobody can have this name: ${quote(id)} is no SPIFFE ID` }];
  }
  return [{ at, message: 'no workload of this system has this SPIFFE ID: a typo, or whoever gets it has the grant' }];
}

function entriesOf(value: unknown, at: string): (readonly [name: string, value: unknown, at: string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).map(([name, item]) => [name, item, below(at, name)] as const);
}

function ownOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? new Map(Object.entries(value)).get(name)
    : undefined;
}
