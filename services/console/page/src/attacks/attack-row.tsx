/** One attack: what it does, the button that does it, and what came of it. */
import { Play } from 'lucide-react';
import { memo, useId } from 'react';
import { Group } from 'react-aria-components';
import type { AttackDescription } from '../../../src/wire/actions.ts';
import { ProblemNotice } from '../api/notices.tsx';
import { Button } from '../design/index.ts';
import { callerOf, type Run, titleOf } from './attack-list.ts';
import { runAttack, useAttacks } from './attack-store.ts';
import { Result, sayVerdict } from './result.tsx';

const WAYS: Readonly<Record<AttackDescription['transport'], string>> = {
  https: 'HTTPS',
  grpc: 'gRPC',
  postgres: 'PostgreSQL',
};

export interface AttackRowProps {
  readonly attack: AttackDescription;
  readonly why: string | undefined;
}

export const AttackRow = memo(function AttackRow({ attack, why }: AttackRowProps) {
  const title = useId();
  const run = useAttacks((state) => state.runs[attack.id]);
  return (
    <Group
      className="attack"
      aria-labelledby={title}
      data-attack={attack.id}
      data-verdict={run?.state === 'done' ? run.result.verdict : undefined}
    >
      <h5 id={title}>{titleOf(attack)}</h5>
      <Button
        size="s"
        icon={Play}
        aria-label={`Run ${titleOf(attack)}, ${callerOf(attack)} to ${attack.server} by ${WAYS[attack.transport]}`}
        isPending={run?.state === 'running'}
        isDisabled={why !== undefined}
        onPress={() => void runAttack(attack.id)}
      >
        Run
      </Button>
      <p className="attack-what">{attack.what}</p>
      <p className="attack-way">
        {callerOf(attack)} → {attack.server} <span aria-hidden>·</span> {WAYS[attack.transport]}{' '}
        <span aria-hidden>·</span> <code>{attack.operation}</code>
      </p>
      <Announcement run={run} />
      <div className="attack-outcome">
        {run?.state === 'done' && <Result attack={attack} result={run.result} />}
        {run?.state === 'failed' && <ProblemNotice title="It could not be tried" problem={run.problem} />}
      </div>
    </Group>
  );
});

/** The outcome in a sentence, for a screen reader; silent while many run, whose end is announced once. */
function Announcement({ run }: { readonly run: Run | undefined }) {
  const many = useAttacks((state) => state.queue !== undefined);
  return (
    <span role="status" className="visually-hidden">
      {run?.state === 'done' && !many && sayVerdict(run.result)}
    </span>
  );
}
