/** First step: what there is to see. */
import { ScanSearch } from 'lucide-react';
import { Button, Term } from '../../design/index.ts';
import { useLive } from '../../live/live-store.ts';
import { useShell } from '../../shell/shell-store.ts';
import { useDone, useFresh } from '../tour-store.ts';

export function Look() {
  const workloads = useLive((live) => live.workloads);
  const inspect = useShell((shell) => shell.inspect);
  const selection = useFresh(useShell((shell) => shell.selection));
  const first = [...workloads.values()].find(({ state }) => state === 'ready');
  useDone('look', selection?.kind === 'workload');
  return (
    <>
      <p>
        Each box is a <Term id="workload">program</Term>. The name beneath it, its <Term id="spiffe-id" />, is proved by
        a certificate that lasts an hour at most; the bar counts down to the next one. Arrows are calls, coloured by
        what was decided last.
      </p>
      <Button
        variant="primary"
        size="s"
        icon={ScanSearch}
        isDisabled={first === undefined}
        onPress={() => first && inspect({ kind: 'workload', id: first.id })}
      >
        {first === undefined ? 'Waiting for the first program' : `Look at the certificate of ${first.name}`}
      </Button>
    </>
  );
}
