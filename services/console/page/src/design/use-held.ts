/** A list that holds still while somebody reads it: new ones wait until pointer and focus have left it. */
import { type FocusEvent, useState } from 'react';

export interface Held<T> {
  readonly held: readonly T[];
  /** How many came since. */
  readonly waiting: number;
  /** For the element around the list. */
  readonly holdProps: {
    readonly onPointerEnter: () => void;
    readonly onPointerLeave: () => void;
    readonly onFocus: () => void;
    readonly onBlur: (event: FocusEvent) => void;
  };
}

export function useHeld<T>(items: readonly T[], keyOf: (item: T) => string | number): Held<T> {
  const [kept, setKept] = useState<readonly T[]>();
  const hold = () => setKept((now) => now ?? items);
  const release = () => setKept(undefined);
  const held = kept ?? items;
  return {
    held,
    waiting: kept === undefined ? 0 : newSince(items, kept, keyOf),
    holdProps: {
      onPointerEnter: hold,
      onPointerLeave: release,
      onFocus: hold,
      onBlur: ({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) release();
      },
    },
  };
}

function newSince<T>(items: readonly T[], kept: readonly T[], keyOf: (item: T) => string | number): number {
  const [newest] = kept;
  if (newest === undefined) return items.length;
  const at = items.findIndex((item) => keyOf(item) === keyOf(newest));
  return at === -1 ? items.length : at;
}
