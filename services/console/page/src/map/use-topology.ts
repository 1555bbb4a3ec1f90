/** The topology as the store has it now: another object only when a workload or a call came or went. */
import { useMemo } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { useLive } from '../live/index.ts';
import { kindOf, type MapCall, type MapNode, type NodeKind, type Told, tell } from './topology.ts';

const SPLIT = '\n';

export function useTopology(): readonly Told[] {
  // As strings, which are equal when they say the same: a patch that only brings new figures changes none of them.
  const nodes = useLive(
    useShallow((live) =>
      Array.from(live.workloads.values(), (workload) => `${kindOf(workload)}${SPLIT}${workload.id}`),
    ),
  );
  const calls = useLive(
    useShallow((live) => Array.from(live.edges.values(), ({ key, from, to }) => [key, from, to].join(SPLIT))),
  );
  return useMemo(() => tell(nodes.map(toNode), calls.map(toCall)), [nodes, calls]);
}

const kinds: ReadonlyMap<string, NodeKind> = new Map([
  ['service', 'service'],
  ['peer', 'peer'],
  ['outside', 'outside'],
]);

function toNode(text: string): MapNode {
  const [kind = '', id = ''] = text.split(SPLIT);
  return { id, kind: kinds.get(kind) ?? 'peer' };
}

function toCall(text: string): MapCall {
  const [key = '', from = '', to = ''] = text.split(SPLIT);
  return { key, from, to };
}
