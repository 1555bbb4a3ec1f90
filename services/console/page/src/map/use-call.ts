/** One call of the map, with the refusal that ended its last one. */
import type { Edge, Refusal } from '../../../src/wire/model.ts';
import { useLive, useNow } from '../live/index.ts';

/** After this long without one, a call is drawn pale: its colour is history. */
const PALE_AFTER_MS = 60_000;

export interface Call {
  readonly edge: Edge | undefined;
  readonly refusal: Refusal | undefined;
}

export function useCall(key: string): Call {
  const edge = useLive((live) => live.edges.get(key));
  const seq = edge?.last.refusalSeq;
  const refusal = useLive((live) => (seq === undefined ? undefined : live.refusals.find((one) => one.seq === seq)));
  return { edge, refusal };
}

export function useIsPale(edge: Edge | undefined): boolean {
  const now = useNow();
  return edge !== undefined && now - edge.last.at > PALE_AFTER_MS;
}

export function isRefused({ edge }: Call): boolean {
  return edge?.last.outcome === 'deny' || edge?.last.outcome === 'refused';
}

/** Whether the caller itself refused: it saw somebody else than it expected. Otherwise whom it called did. */
export function callerRefused({ edge, refusal }: Call): boolean {
  return edge !== undefined && refusal?.self === edge.from;
}
