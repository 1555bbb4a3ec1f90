/** What is not as it should be, what that means, and what to press. Nothing when all is well. */
import { useShallow } from 'zustand/react/shallow';
import type { Workload } from '../../../src/wire/model.ts';
import { reloadSession, useSession } from '../api/index.ts';
import { Banner, Button, Term } from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { LostFor } from './connection-state.tsx';
import { useShell } from './shell-store.ts';

export function Notices() {
  return (
    <section className="notices" aria-label="Notices" aria-live="polite">
      <ConnectionNotice />
      <ControlNotice />
      <WorkloadNotices />
    </section>
  );
}

function ConnectionNotice() {
  const connection = useLive((live) => live.connection);
  if (connection.state === 'live') return null;
  if (connection.state === 'connecting') {
    if (connection.attempt < 3) return null;
    return (
      <Banner kind="bad" title="The console does not answer.">
        Is <code>npm start</code> still running? This page tries again by itself.
      </Banner>
    );
  }
  return (
    <Banner kind="bad" title="Disconnected.">
      All that you see is from{' '}
      <span aria-live="off">
        <LostFor since={connection.since} />
      </span>{' '}
      ago. This page tries again by itself; if it does not come back, see whether <code>npm start</code> still runs.
    </Banner>
  );
}

function ControlNotice() {
  const session = useSession();
  const live = useLive((now) => now.connection.state === 'live');
  if (session.state !== 'ready' || session.session.stack || !live) return null;
  return (
    <Banner
      kind="info"
      title="Watching only."
      action={
        <Button size="s" onPress={() => void reloadSession()}>
          Look again
        </Button>
      }
    >
      The system’s control does not answer, so you can see everything and change nothing. It is there while{' '}
      <code>npm start</code> runs; on a cluster, Tilt’s buttons and <code>npm run kind</code> do the same.
    </Banner>
  );
}

function WorkloadNotices() {
  const unwell = useLive(
    useShallow((live) =>
      [...live.workloads.values()].filter(({ state }) => state === 'silent' || state === 'no-identity'),
    ),
  );
  const live = useLive((now) => now.connection.state === 'live');
  if (!live) return null;
  return unwell.map((workload) => <WorkloadNotice key={workload.id} workload={workload} />);
}

function WorkloadNotice({ workload }: { readonly workload: Workload }) {
  const openTab = useShell((shell) => shell.openTab);
  const inspect = useShell((shell) => shell.inspect);
  if (workload.state === 'silent') {
    return (
      <Banner
        kind="warn"
        title={`${workload.name} is silent.`}
        action={
          <Button size="s" onPress={() => inspect({ kind: 'workload', id: workload.id })}>
            Inspect {workload.name}
          </Button>
        }
      >
        It reported before and does no more: it was stopped, killed or cut off. Calls to it fail until it is started
        again.
      </Banner>
    );
  }
  return (
    <Banner
      kind="bad"
      title={`${workload.name} has no identity.`}
      action={
        <Button size="s" onPress={() => openTab('identities')}>
          Open Identities
        </Button>
      }
    >
      It was <Term id="withdrawn" /> or not given yet. Without one nobody believes it, so it can’t call and can’t be
      called.
    </Banner>
  );
}
