/** What the map draws, and in which order: the order in which a reader would tell it, which is also that of the keyboard. */
import type { Workload } from '../../../src/wire/model.ts';

/** How much room a workload needs. */
export type NodeKind =
  /** Reports itself. */ 'service' | /** Others name it. */ 'peer' | /** Calls without an identity. */ 'outside';

export interface MapNode {
  readonly id: string;
  readonly kind: NodeKind;
}

export interface MapCall {
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

export type Told = { readonly node: MapNode } | { readonly call: MapCall };

export function kindOf({ state, trustDomain }: Pick<Workload, 'state' | 'trustDomain'>): NodeKind {
  if (state !== 'seen') return 'service';
  return trustDomain === '' ? 'outside' : 'peer';
}

/**
 * A caller, its calls, and whom it calls, each once: from whoever calls without an identity on down to the last one, then
 * whoever is left, by name.
 */
export function tell(nodes: readonly MapNode[], calls: readonly MapCall[]): readonly Told[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const drawn = calls.filter(({ from, to }) => byId.has(from) && byId.has(to) && from !== to);
  const told: Told[] = [];
  const visited = new Set<string>();
  const visit = (node: MapNode): void => {
    if (visited.has(node.id)) return;
    visited.add(node.id);
    told.push({ node });
    const outgoing = drawn.filter(({ from }) => from === node.id).sort(byTarget);
    for (const call of outgoing) {
      told.push({ call });
      const next = byId.get(call.to);
      if (next) visit(next);
    }
  };
  const called = new Set(drawn.map(({ to }) => to));
  for (const node of [...nodes].sort(byBeginning(called))) visit(node);
  return told;
}

const kindOrder: readonly NodeKind[] = ['outside', 'service', 'peer'];

/** Who calls and is not called first, services before those that are only seen, then by name. */
function byBeginning(called: ReadonlySet<string>) {
  return (a: MapNode, b: MapNode): number =>
    Number(called.has(a.id)) - Number(called.has(b.id)) ||
    kindOrder.indexOf(a.kind) - kindOrder.indexOf(b.kind) ||
    a.id.localeCompare(b.id);
}

function byTarget(a: MapCall, b: MapCall): number {
  return a.to.localeCompare(b.to);
}

/** The longest way from the first one told: what the map draws as one straight line. IDs of nodes, in order. */
export function spine(told: readonly Told[]): readonly string[] {
  const calls = told.flatMap((item) => ('call' in item ? [item.call] : []));
  // Each node's own way is found once, so that a dense graph takes no longer; a way that comes back to itself ends there.
  const ways = new Map<string, readonly string[]>();
  const wayFrom = (id: string): readonly string[] => {
    const known = ways.get(id);
    if (known) return known;
    ways.set(id, []);
    const onward = calls.filter(({ from }) => from === id).map(({ to }) => wayFrom(to));
    const way = [id, ...onward.reduce((best, one) => (one.length > best.length ? one : best), [])];
    ways.set(id, way);
    return way;
  };
  const first = told.find((item) => 'node' in item);
  return first ? wayFrom(first.node.id) : [];
}
