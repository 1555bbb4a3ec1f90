/** The spans of a trace as bars over its time; the one that is chosen shows its attributes. Arrow keys go from one to the next. */
import { useMemo, useState } from 'react';
import { ListBox, ListBoxItem, type Selection } from 'react-aria-components';
import type { SpanView, TraceDetail } from '../../../src/wire/model.ts';
import { Facts, milliseconds, plural, Tag } from '../design/index.ts';
import { depthsOf } from './depths.ts';
import './waterfall.css';

/** How many colours there are for services: --series-0 and on. */
const COLOURS = 6;

export function Waterfall({ trace }: { readonly trace: TraceDetail }) {
  const [chosen, setChosen] = useState<string>();
  const depths = useMemo(() => depthsOf(trace.tree), [trace.tree]);
  const span = trace.tree.find(({ spanId }) => spanId === chosen);
  const choose = (keys: Selection) => {
    const [key] = keys === 'all' ? [] : [...keys];
    setChosen(key === undefined ? undefined : String(key));
  };
  return (
    <div className="stack-tight">
      <ListBox
        aria-label="Spans"
        className="waterfall"
        selectionMode="single"
        selectedKeys={chosen === undefined ? [] : [chosen]}
        onSelectionChange={choose}
        items={trace.tree}
        dependencies={[trace, depths]}
      >
        {(item) => <Row span={item} trace={trace} depth={depths.get(item.spanId) ?? 0} />}
      </ListBox>
      {trace.tree.length < trace.spans && (
        <p className="muted small">{`The first ${plural(trace.tree.length, 'span')} of ${trace.spans}.`}</p>
      )}
      {span ? <SpanFacts span={span} /> : <p className="muted small">Choose a step to see what it reported.</p>}
    </div>
  );
}

/** So that the shortest span can still be seen. */
const LEAST_PERCENT = 0.6;

function Row({ span, trace, depth }: { readonly span: SpanView; readonly trace: TraceDetail; readonly depth: number }) {
  const total = Math.max(trace.durationMs, 0.001);
  const left = Math.min(100 - LEAST_PERCENT, (span.offsetMs / total) * 100);
  const width = Math.max(LEAST_PERCENT, Math.min(100 - left, (span.durationMs / total) * 100));
  const colour = trace.services.indexOf(span.service) % COLOURS;
  const name = `${span.service}, ${span.name}, ${span.kind}, ${milliseconds(span.durationMs)}${span.error ? ', failed' : ''}`;
  return (
    <ListBoxItem id={span.spanId} textValue={name} aria-label={name} className="span">
      <span className="span-words" style={{ paddingInlineStart: `${Math.min(depth, 8) * 0.75}rem` }}>
        <span className="span-service" style={{ color: `var(--series-${colour})` }}>
          {span.service}
        </span>{' '}
        {span.name}
      </span>
      <span className="span-time">{milliseconds(span.durationMs)}</span>
      <span className="span-track">
        <span
          className="span-bar"
          data-error={span.error || undefined}
          style={{ left: `${left}%`, width: `${width}%`, background: `var(--series-${colour})` }}
        />
      </span>
    </ListBoxItem>
  );
}

function SpanFacts({ span }: { readonly span: SpanView }) {
  const attributes = Object.entries(span.attributes).sort(([a], [b]) => a.localeCompare(b));
  return (
    <section className="span-facts" aria-label="The chosen span">
      <h4 className="row">
        {span.service}: {span.name} <Tag>{span.kind}</Tag> {span.error && <Tag tone="bad">failed</Tag>}
      </h4>
      <Facts
        facts={[
          { id: ' began', name: 'Began after', value: milliseconds(span.offsetMs) },
          { id: ' took', name: 'Took', value: milliseconds(span.durationMs) },
          ...attributes.map(([name, value]) => ({ id: name, name: <code>{name}</code>, value })),
        ]}
      />
    </section>
  );
}
