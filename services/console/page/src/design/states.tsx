/** What stands where there is nothing to show: nothing yet, loading, gone wrong. Each says what to do next. */
import { CircleAlert, type LucideIcon, RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import './states.css';

export interface EmptyProps {
  readonly icon?: LucideIcon;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <div className="state">
      {Icon && <Icon aria-hidden className="state-icon" />}
      <p className="state-title">{title}</p>
      {children && <div className="state-text">{children}</div>}
      {action}
    </div>
  );
}

/** Grey lines in the place of what is coming. */
export function Loading({ what, lines = 3 }: { readonly what: string; readonly lines?: number }) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">Loading {what}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move
        <span key={line} className="loading-line" />
      ))}
    </div>
  );
}

export interface FailedProps {
  readonly title: string;
  readonly children?: ReactNode;
  readonly onRetry?: () => void;
}

export function Failed({ title, children, onRetry }: FailedProps) {
  return (
    <div className="state state-bad" role="alert">
      <CircleAlert aria-hidden className="state-icon" />
      <p className="state-title">{title}</p>
      {children && <div className="state-text">{children}</div>}
      {onRetry && (
        <Button size="s" icon={RotateCw} onPress={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
