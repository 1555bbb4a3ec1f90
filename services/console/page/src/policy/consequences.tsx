/** What the text would do: recent decisions made again by it, and those that would be other ones. */
import { ArrowRight, CircleCheck, OctagonX } from 'lucide-react';
import type { PolicyCheck, PolicyVerdict } from '../../../src/wire/actions.ts';
import { type Column, lastSegment, plural, Table, Tag, Term } from '../design/index.ts';
import { useShell } from '../shell/shell-store.ts';
import { type Flip, flipsOf, sayVerdict } from './flips.ts';
import { Operation } from './operation-name.tsx';
import { usePolicy } from './policy-store.ts';

export function Consequences() {
  const check = usePolicy((policy) => policy.check);
  if (check?.valid !== true) return null;
  return (
    <div className="stack-tight">
      <Tried check={check} />
      {check.changed.length > 0 && (
        <Table
          caption="Decisions that would change"
          columns={COLUMNS}
          rows={flipsOf(check.changed)}
          rowKey={({ key }) => key}
        />
      )}
    </div>
  );
}

function Tried({ check: { tried, untried, changed } }: { readonly check: PolicyCheck }) {
  if (tried + untried === 0) {
    return (
      <p className="small muted">
        No decision was made lately that it could be tried on: place an order, then look again.
      </p>
    );
  }
  return (
    <p className="small">
      Tried on the last {plural(tried, 'decision')}:{' '}
      <strong>{changed.length === 0 ? 'none would change' : `${changed.length} would change`}</strong>.
      {untried > 0 && (
        <span className="muted">
          {' '}
          {plural(untried, 'decision')} could not be tried, because the <Term id="decision">decision</Term> log hides
          what they were asked.
        </span>
      )}
    </p>
  );
}

const COLUMNS: readonly Column<Flip>[] = [
  {
    id: 'call',
    head: 'Call',
    isRowHeader: true,
    cell: ({ peer, self, operation, count, decisionId }) => (
      <span className="policy-call">
        {lastSegment(peer)} → {lastSegment(self)}
        <Operation name={operation} />
        <See decisionId={decisionId} count={count} />
      </span>
    ),
  },
  {
    id: 'change',
    head: 'Now, and then',
    cell: ({ before, after }) => (
      <span className="policy-flip">
        <Verdict verdict={before} />
        <ArrowRight aria-label="becomes" />
        <Verdict verdict={after} />
      </span>
    ),
  },
];

function See({ decisionId, count }: { readonly decisionId: string; readonly count: number }) {
  const inspect = useShell((shell) => shell.inspect);
  return (
    <button type="button" className="policy-see" onClick={() => inspect({ kind: 'decision', id: decisionId })}>
      {count === 1 ? 'this decision' : `one of ${count}`}
    </button>
  );
}

function Verdict({ verdict }: { readonly verdict: PolicyVerdict }) {
  return (
    <Tag tone={verdict.allow ? 'good' : 'bad'} icon={verdict.allow ? CircleCheck : OctagonX}>
      {sayVerdict(verdict)}
    </Tag>
  );
}
