/** What a step's button has done, in the card itself: on a phone the rest is out of sight. Read out when it comes. */
import type { ReactNode } from 'react';

export function Said({ children }: { readonly children: ReactNode }) {
  return (
    <div role="status" className="tour-said">
      {children}
    </div>
  );
}
