/** Identities: who has one, until when, and everything that can be done to them while calls go on. */
import { RefreshCw } from 'lucide-react';
import { MissingNotice, ProblemNotice } from '../api/notices.tsx';
import { useMissing, useSession } from '../api/session.ts';
import { Button, Empty, Loading, Section, Term } from '../design/index.ts';
import { useLive } from '../live/live-store.ts';
import { Authority } from './authority.tsx';
import { Federation } from './federation.tsx';
import { keyOf, operate, useIdentities } from './identity-store.ts';
import { listWorkloads } from './workload-list.ts';
import { WorkloadRow } from './workload-row.tsx';
import './identities.css';

export default function IdentitiesTab() {
  const failed = useIdentities((identities) => identities.failed);
  return (
    <div className="stack">
      <MissingNotice ability="identity" what="Changing identities is" />
      {failed !== undefined && <ProblemNotice title={failed.title} problem={failed.problem} />}
      <Workloads />
      <Authority />
      <Federation />
    </div>
  );
}

function Workloads() {
  const session = useSession();
  const live = useLive((state) => state.workloads);
  const why = useMissing('identity');
  const rotating = useIdentities(({ running }) => running.has(keyOf('rotate')));
  const registered = session.state === 'ready' ? session.session.stack?.workloads : undefined;
  const workloads = listWorkloads(registered, live);
  return (
    <Section
      title="Workloads"
      lead={
        <>
          Each <Term id="workload" /> gets its <Term id="svid" /> from the <Term id="workload-api" /> and has it renewed
          at half its life, or now: a <Term id="rotation" /> fails no call.
        </>
      }
      actions={
        <Button
          size="s"
          icon={RefreshCw}
          isPending={rotating}
          isDisabled={why !== undefined}
          onPress={() => void operate('rotate')}
        >
          Rotate all
        </Button>
      }
    >
      {workloads.length > 0 ? (
        <ul className="identities">
          {workloads.map((workload) => (
            <WorkloadRow key={workload.id} workload={workload} why={why} />
          ))}
        </ul>
      ) : session.state === 'loading' ? (
        <Loading what="the workloads" lines={6} />
      ) : (
        <Empty title="Nobody has reported yet">
          <p>Workloads are here as soon as their first telemetry has come. Is npm start still running?</p>
        </Empty>
      )}
    </Section>
  );
}
