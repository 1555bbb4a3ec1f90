/** Third step: somebody with a valid certificate and no grant. */
import { Skull } from 'lucide-react';
import { useMissing } from '../../api/session.ts';
import { loadAttacks, runAttack, setOpen, useAttacks } from '../../attacks/attack-store.ts';
import { Button, Term } from '../../design/index.ts';
import { Prose } from '../../design/prose.tsx';
import { useShell } from '../../shell/shell-store.ts';
import { findRefused, findRogue } from '../notice.ts';
import { Said } from '../said.tsx';
import { useDone, useFresh } from '../tour-store.ts';

export function Rogue() {
  const why = useMissing('attacks');
  const runs = useAttacks((state) => state.runs);
  const problem = useAttacks((state) => state.problem);
  const running = Object.values(runs).some(({ state }) => state === 'running');
  const fresh = useFresh(runs) ?? {};
  const refused = findRefused(fresh)?.result;
  const failed = Object.values(fresh).find((run) => run.state === 'failed');
  useDone('rogue', refused !== undefined);
  return (
    <>
      <p>
        <Term id="rogue">Rogue</Term> is the same program with a valid certificate of the same <Term id="ca" />. Only
        its name is one that nobody has granted anything. That is enough to be shut out, before it can say a word.
      </p>
      <Button
        variant="primary"
        size="s"
        icon={Skull}
        isPending={running}
        isDisabled={why !== undefined}
        onPress={() => void letRogueTry()}
      >
        Let rogue try
      </Button>
      <Said>
        {refused !== undefined && <Refused reason={refused.reason} layer={refused.layer} record={refused.record} />}
        {failed?.state === 'failed' && `It could not be tried: ${failed.problem.detail}`}
        {problem !== undefined && `The attacks could not be fetched: ${problem.detail}`}
        {why !== undefined && <Prose>{why}</Prose>}
      </Said>
    </>
  );
}

interface RefusedProps {
  readonly layer: string;
  readonly reason: string;
  readonly record: Readonly<Record<string, unknown>> | undefined;
}

function Refused({ layer, reason, record = {} }: RefusedProps) {
  const { expected, got } = record;
  return (
    <>
      Refused by the {layer}: {reason}
      {typeof expected === 'string' && (
        <span className="tour-line">
          expected <code>{expected}</code>
        </span>
      )}
      {typeof got === 'string' && (
        <span className="tour-line">
          got <code>{got}</code>
        </span>
      )}
    </>
  );
}

async function letRogueTry(): Promise<void> {
  useShell.getState().openTab('attacks');
  await loadAttacks(new AbortController().signal);
  const attack = findRogue(useAttacks.getState().attacks ?? []);
  if (attack === undefined) return;
  setOpen([attack.group], true);
  await runAttack(attack.id);
}
