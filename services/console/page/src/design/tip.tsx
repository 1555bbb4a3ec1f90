/** What a tooltip looks like; used inside react-aria's `TooltipTrigger`. */
import type { ReactNode } from 'react';
import { Tooltip } from 'react-aria-components';
import './overlay.css';

export function Tip({ children }: { readonly children: ReactNode }) {
  return (
    <Tooltip className="tip" offset={8}>
      {children}
    </Tooltip>
  );
}
