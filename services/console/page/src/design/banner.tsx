/** A line across the page: something is not as it should be, what that means, and what to press. */
import { Info, OctagonX, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import './states.css';

const icons = { info: Info, warn: TriangleAlert, bad: OctagonX };

export interface BannerProps {
  readonly kind: 'info' | 'warn' | 'bad';
  readonly title: string;
  readonly action?: ReactNode;
  readonly children: ReactNode;
}

export function Banner({ kind, title, action, children }: BannerProps) {
  const Icon = icons[kind];
  return (
    <div className={`banner banner-${kind}`}>
      <Icon aria-hidden />
      <p>
        <span className="banner-title">{title}</span>
        {children}
      </p>
      {action}
    </div>
  );
}
