/** Fourth step: every certificate changes under load, and nothing fails. */
import { RefreshCw } from 'lucide-react';
import { useEffect } from 'react';
import { api } from '../../api/api.ts';
import { useMissing } from '../../api/session.ts';
import { Button, plural, Term } from '../../design/index.ts';
import { Prose } from '../../design/prose.tsx';
import { keyOf, operate, useIdentities } from '../../identities/identity-store.ts';
import { useLive } from '../../live/live-store.ts';
import { useShell } from '../../shell/shell-store.ts';
import { rotatedSince, rotationsOf } from '../notice.ts';
import { Said } from '../said.tsx';
import { useDone, useTour } from '../tour-store.ts';

const ORDERS_A_SECOND = 5;

export function Rotate() {
  const why = useMissing('identity');
  const running = useIdentities((identities) => identities.running.has(keyOf('rotate')));
  const problem = useIdentities((identities) => identities.failed?.problem);
  const workloads = useLive((live) => live.workloads);
  const failedNow = useLive((live) => live.load.failed);
  const before = useTour((tour) => tour.rotationsBefore);
  const failedBefore = useTour((tour) => tour.failedBefore);
  const { rotated, of } = rotatedSince(before ?? {}, workloads);
  const failed = Math.max(0, failedNow - failedBefore);
  useDone('rotate', of > 0 && rotated === of);
  useEffect(rememberOnce);
  useEffect(() => stopLoad, []);
  return (
    <>
      <p>
        Certificates are short-lived and renewed under way. This button lets five orders a second flow, then makes every
        program take a new one at once: a <Term id="rotation" />. Watch the <Term id="serial">serial numbers</Term>{' '}
        change.
      </p>
      <Button
        variant="primary"
        size="s"
        icon={RefreshCw}
        isPending={running}
        isDisabled={why !== undefined}
        onPress={() => void rotateUnderLoad()}
      >
        Rotate all
      </Button>
      <Said>
        {rotated > 0 &&
          `${rotated} of ${plural(of, 'program')} with a new certificate, ${plural(failed, 'order')} failed.`}
        {problem !== undefined && `It failed: ${problem.detail}`}
        {why !== undefined && <Prose>{why}</Prose>}
      </Said>
    </>
  );
}

/** What is counted from: as it was when the step was first shown and the programs had reported. */
function rememberOnce(): void {
  if (useTour.getState().rotationsBefore !== undefined) return;
  const { workloads, load } = useLive.getState();
  const rotationsBefore = rotationsOf(workloads);
  if (Object.keys(rotationsBefore).length > 0) useTour.setState({ rotationsBefore, failedBefore: load.failed });
}

async function rotateUnderLoad(): Promise<void> {
  useShell.getState().openTab('identities');
  const { load, workloads } = useLive.getState();
  useTour.setState({ rotationsBefore: rotationsOf(workloads), failedBefore: load.perSecond > 0 ? load.failed : 0 });
  if (load.perSecond === 0) {
    // Without a customer there is no load, and the rotation is worth seeing all the same.
    await api.load({ perSecond: ORDERS_A_SECOND }).then(
      () => useTour.setState({ loads: true }),
      () => {},
    );
  }
  await operate('rotate');
}

/** The tour leaves nothing running that it began. */
function stopLoad(): void {
  if (!useTour.getState().loads) return;
  useTour.setState({ loads: false });
  api.load({ perSecond: 0 }).catch(() => {
    // It ends by itself.
  });
}
