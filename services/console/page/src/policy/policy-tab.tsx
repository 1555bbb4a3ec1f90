/** Policy: who may call whom, as switches or as text; what a change would do before it is applied; apply and undo. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { Missing, MissingNotice, ProblemNotice } from '../api/notices.tsx';
import { useMissing } from '../api/session.ts';
import { Choice } from '../design/choice.tsx';
import { Failed, Loading, Section, Term } from '../design/index.ts';
import { Actions } from './actions.tsx';
import { Conflict } from './conflict.tsx';
import { Consequences } from './consequences.tsx';
import { edit, loadPolicy, usePolicy } from './policy-store.ts';
import { Problems } from './problems.tsx';
import { Switches } from './switches.tsx';
import './policy.css';

const Editor = lazy(() => import('./editor/editor.tsx'));

const VIEWS = [
  { id: 'switches', text: 'Switches' },
  { id: 'text', text: 'JSON' },
] as const;

export default function PolicyTab() {
  return (
    <Section
      title="Policy"
      lead={
        <>
          Who may call what. Each line is a <Term id="grant" />, and the <Term id="policy" /> of each service decides by
          them; what no grant allows is refused. A change takes effect without a restart.
        </>
      }
    >
      <Grants />
    </Section>
  );
}

function Grants() {
  const why = useMissing('policy');
  const base = usePolicy((policy) => policy.base);
  const failed = usePolicy((policy) => policy.failed);
  useEffect(() => {
    if (why !== undefined) return;
    const controller = new AbortController();
    const load = () => void loadPolicy(controller.signal);
    load();
    // Whoever comes back to the page may have changed the grants elsewhere meanwhile.
    window.addEventListener('focus', load, { signal: controller.signal });
    return () => controller.abort();
  }, [why]);

  if (base === undefined) {
    if (why !== undefined) return <Missing title="The policy can’t be edited" why={why} />;
    if (failed === undefined) return <Loading what="the grants" lines={6} />;
    return (
      <Failed title={failed.title} onRetry={() => void loadPolicy()}>
        {failed.problem.detail}
      </Failed>
    );
  }
  return (
    <>
      <MissingNotice ability="policy" what="Editing the policy is" />
      <Edit />
      <div className="policy-bar">
        {failed !== undefined && <ProblemNotice title={failed.title} problem={failed.problem} />}
        <Conflict />
        <Actions why={why} />
      </div>
      <Consequences />
    </>
  );
}

interface Jump {
  readonly line: number;
  readonly column: number;
}

function Edit() {
  const draft = usePolicy((policy) => policy.draft);
  const check = usePolicy((policy) => policy.check);
  const [view, setView] = useState<(typeof VIEWS)[number]['id']>('switches');
  const [jump, setJump] = useState<Jump>();
  const jumpTo = (line: number, column: number) => {
    setView('text');
    // A new object each time, so that the same place can be jumped to again.
    setJump({ line, column });
  };
  return (
    <>
      <Choice label="Edit as" options={VIEWS} value={view} onChange={setView} />
      {view === 'switches' ? (
        <Switches />
      ) : (
        <Suspense fallback={<Loading what="the editor" lines={8} />}>
          <Editor label="Grants" value={draft} onChange={edit} problems={check?.problems ?? []} jump={jump} />
        </Suspense>
      )}
      <Problems onJump={jumpTo} />
    </>
  );
}
