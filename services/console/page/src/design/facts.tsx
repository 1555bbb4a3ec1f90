/** Names and values, one beneath the other. */
import type { ReactNode } from 'react';
import './states.css';

export interface Fact {
  readonly id: string;
  readonly name: ReactNode;
  /** Left out with its name when it is `undefined`. */
  readonly value: ReactNode;
}

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts
        .filter(({ value }) => value !== undefined)
        .map(({ id, name, value }) => (
          <div key={id} className="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
