/** Shows what was fetched, or that it is coming, or why it did not. */
import type { ReactNode } from 'react';
import { Failed, Loading } from '../design/index.ts';
import type { Fetched } from './use-fetched.ts';

export interface FetchedViewProps<T> {
  readonly what: string;
  readonly fetched: Fetched<T>;
  readonly onRetry: () => void;
  /** What to say when the console has forgotten it: it keeps the newest only. */
  readonly forgotten?: string;
  readonly children: (value: T) => ReactNode;
}

export function FetchedView<T>({ what, fetched, onRetry, forgotten, children }: FetchedViewProps<T>) {
  if (fetched.state === 'loading') return <Loading what={what} />;
  if (fetched.state === 'ready') return children(fetched.value);
  const { status, detail } = fetched.problem;
  if (status === 404 && forgotten !== undefined) return <p className="muted small">{forgotten}</p>;
  return (
    <Failed title={`Can’t show ${what}`} onRetry={onRetry}>
      {detail}
    </Failed>
  );
}
