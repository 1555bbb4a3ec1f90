/** The hops of one order as a chain of parties with a call between each two. */
import type { Hop } from '../../../src/wire/actions.ts';
import { lastSegment } from '../design/short-id.ts';

/** Who took part, and how it was called by the one before; the first was called by nobody here. */
export interface ChainLink {
  /** SPIFFE ID, as the service reported it. */
  readonly id: string;
  readonly name: string;
  readonly call?: Hop;
}

/** Hops in the order of the calls. One that does not go on from where the last one ended begins anew from its own caller. */
export function chainOf(hops: readonly Hop[]): readonly ChainLink[] {
  const links: ChainLink[] = [];
  for (const hop of hops) {
    if (links.at(-1)?.id !== hop.from) links.push({ id: hop.from, name: lastSegment(hop.from) });
    links.push({ id: hop.to, name: lastSegment(hop.to), call: hop });
  }
  return links;
}
