/** The attack lab: every attack of the deny matrix, run for real against the running services. */
import { useEffect } from 'react';
import { Missing, MissingNotice } from '../api/notices.tsx';
import { useMissing } from '../api/session.ts';
import { Empty, Failed, Loading, Section, Term } from '../design/index.ts';
import { groupsOf } from './attack-list.ts';
import { loadAttacks, searchFor, useAttacks } from './attack-store.ts';
import { Group } from './group.tsx';
import { Tools } from './tools.tsx';
import './attacks.css';

export default function AttacksTab() {
  return (
    <Section
      title="Attack lab"
      lead={
        <>
          Each button attacks the running services for real, as a <Term id="rogue" /> or worse, and shows which check
          refused it, why, and where that check stands in the code.
        </>
      }
    >
      <Lab />
    </Section>
  );
}

function Lab() {
  const why = useMissing('attacks');
  const attacks = useAttacks((state) => state.attacks);
  const problem = useAttacks((state) => state.problem);
  useEffect(() => {
    if (why !== undefined) return;
    const controller = new AbortController();
    void loadAttacks(controller.signal);
    return () => controller.abort();
  }, [why]);

  if (attacks === undefined) {
    if (why !== undefined) return <Missing title="Attacks are not available" why={why} />;
    if (problem === undefined) return <Loading what="the attacks" lines={6} />;
    return (
      <Failed title="The attacks could not be fetched" onRetry={() => void loadAttacks(new AbortController().signal)}>
        {problem.detail}
      </Failed>
    );
  }
  return (
    <>
      <MissingNotice ability="attacks" what="Attacks are" />
      <Found why={why} />
    </>
  );
}

function Found({ why }: { readonly why: string | undefined }) {
  const attacks = useAttacks((state) => state.attacks) ?? [];
  const runs = useAttacks((state) => state.runs);
  const search = useAttacks((state) => state.search);
  const groups = groupsOf(attacks, search, runs);
  const searching = search.words.trim() !== '';
  return (
    <>
      <Tools groups={groups} why={why} />
      {groups.length === 0 ? (
        <Empty title="No attack is like that">
          <p>
            Search by caller, service, operation or verdict, or{' '}
            <button type="button" className="attack-clear" onClick={() => searchFor({ words: '', transport: 'all' })}>
              show all of them
            </button>
            .
          </p>
        </Empty>
      ) : (
        <div className="attack-groups">
          {groups.map((group) => (
            <Group key={group.id} group={group} why={why} searching={searching} />
          ))}
        </div>
      )}
    </>
  );
}
