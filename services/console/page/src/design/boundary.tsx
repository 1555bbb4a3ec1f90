/**
 * Keeps a part of the page that fails from taking the rest along. What fails is mostly a part that could not be fetched: the
 * console was started anew with another build while the page was open.
 */
import { RotateCw } from 'lucide-react';
import { Component, type ReactNode, Suspense } from 'react';
import { Button } from './button.tsx';
import { Empty } from './states.tsx';

export interface PartProps {
  /** What it is, for the sentence that says that it is not there. */
  readonly what: string;
  /** While it is being fetched. */
  readonly fallback?: ReactNode;
  readonly children: ReactNode;
}

/** A part that is fetched when it is shown. */
export function Part({ what, fallback, children }: PartProps) {
  return (
    <Boundary what={what}>
      <Suspense fallback={fallback}>{children}</Suspense>
    </Boundary>
  );
}

class Boundary extends Component<PartProps, { readonly failure?: unknown }> {
  override state: { readonly failure?: unknown } = {};

  static getDerivedStateFromError(failure: unknown) {
    return { failure };
  }

  override render() {
    const { what, children } = this.props;
    const { failure } = this.state;
    if (failure === undefined) return children;
    return (
      <div role="alert">
        <Empty
          title={`Can’t show ${what}.`}
          action={
            <Button size="s" icon={RotateCw} onPress={() => location.reload()}>
              Load the page again
            </Button>
          }
        >
          The console may have been started anew since this page was opened.{' '}
          {failure instanceof Error && failure.message}
        </Empty>
      </div>
    );
  }
}
