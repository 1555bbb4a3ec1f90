/** A region of the page with a heading, and room for what can be done with it. */
import { type ReactNode, useId } from 'react';
import './panel.css';

export interface PanelProps {
  readonly title: string;
  /** Shown for the title, when a word of it is a `Term`; `title` stays the region's name. */
  readonly heading?: ReactNode;
  /** At the right of the heading. */
  readonly actions?: ReactNode;
  /** One line beneath the heading. */
  readonly lead?: ReactNode;
  /** What the tour calls it: `data-tour`. */
  readonly tour?: string;
  /** Contents up to the border. */
  readonly flush?: boolean;
  readonly children: ReactNode;
}

export function Panel({ title, heading, actions, lead, tour, flush = false, children }: PanelProps) {
  const id = useId();
  return (
    <section
      className="panel"
      aria-labelledby={heading ? undefined : id}
      aria-label={heading ? title : undefined}
      data-tour={tour}
    >
      <header className="panel-head">
        <h2 id={id}>{heading ?? title}</h2>
        {actions && <div className="panel-actions">{actions}</div>}
        {lead && <p className="panel-lead">{lead}</p>}
      </header>
      <div className={flush ? 'panel-body panel-flush' : 'panel-body'}>{children}</div>
    </section>
  );
}

/** A part of a tab: a heading one level below the panel's, and its contents. */
export function Section({ title, lead, actions, children }: Omit<PanelProps, 'tour' | 'flush' | 'heading'>) {
  const id = useId();
  return (
    <section className="section" aria-labelledby={id}>
      <header className="panel-head">
        <h3 id={id}>{title}</h3>
        {actions && <div className="panel-actions">{actions}</div>}
        {lead && <p className="panel-lead">{lead}</p>}
      </header>
      {children}
    </section>
  );
}
