/** The checks as a small ladder lying on its side: what was passed, what refused, what was never reached. */
import { Check, type LucideIcon, Minus, X } from 'lucide-react';
import { type Rung, sayLadder } from './ladder.ts';

const ICONS: Readonly<Record<Rung['state'], LucideIcon>> = {
  passed: Check,
  served: Check,
  refused: X,
  'not reached': Minus,
};

export function LadderView({ rungs }: { readonly rungs: readonly Rung[] }) {
  return (
    <div className="ladder" role="img" aria-label={`Checks: ${sayLadder(rungs)}`}>
      {rungs.map(({ name, state }) => {
        const Icon = ICONS[state];
        return (
          <span key={name} className="rung" data-state={state}>
            <span className="rung-mark">
              <Icon aria-hidden />
            </span>
            <span>{name}</span>
          </span>
        );
      })}
    </div>
  );
}
