/** A verified caller chain, drawn as links: who it began with, and each service that passed it on. */
import { BadgeCheck, ChevronRight } from 'lucide-react';
import { lastSegment, SpiffeId, Term } from '../design/index.ts';

/** @param self who verified it, drawn after the last link */
export function Chain({ ids, self }: { readonly ids: readonly string[]; readonly self: string }) {
  return (
    <div className="chain">
      <p className="small">
        <BadgeCheck aria-hidden className="chain-seal" /> Verified <Term id="caller-chain" />, from its{' '}
        <Term id="origin" /> on:
      </p>
      <ol className="chain-links" aria-label="Caller chain">
        {ids.map((id, position) => (
          <li key={id} className="chain-link">
            <span className="chain-role">{position === 0 ? 'origin' : 'passed on by'}</span>
            <SpiffeId id={id} plain />
            <ChevronRight aria-hidden className="chain-arrow" />
          </li>
        ))}
        <li className="chain-link chain-self">
          <span className="chain-role">verified by</span>
          {lastSegment(self)}
        </li>
      </ol>
    </div>
  );
}
