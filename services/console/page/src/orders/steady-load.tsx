/** Steady load: orders as they would come in all day, so that a rotation or a policy change is seen under way. */
import { CircleStop } from 'lucide-react';
import { ProblemNotice } from '../api/notices.tsx';
import { Button } from '../design/button.tsx';
import { countdown } from '../design/duration.ts';
import { Section } from '../design/panel.tsx';
import { Slider } from '../design/slider.tsx';
import { useNow } from '../live/clock.ts';
import { useLoad } from './use-load.ts';

const MOST = 50;
const say = (value: number) => (value === 0 ? 'off' : `${value} a second`);

export function SteadyLoad({ why }: { readonly why: string | undefined }) {
  const { load, value, problem, move, ask } = useLoad();
  const { perSecond, sent, failed, endsAt, lastFailure } = load;
  const runs = perSecond > 0;
  return (
    <Section
      title="Steady load"
      lead="Half by HTTP, half by gRPC. Keep it on while you rotate, and watch that nothing fails."
    >
      <Slider
        label="Orders per second"
        say={say}
        minValue={0}
        maxValue={MOST}
        value={value}
        onChange={move}
        onChangeEnd={ask}
        isDisabled={why !== undefined}
      />
      <div className="row load-state">
        {/* Counted many times a second: to be looked up, not read out. */}
        <p role="status" aria-label="Load" aria-live="off">
          <strong>{sent}</strong> sent, <strong className={failed > 0 ? 'load-failed' : undefined}>{failed}</strong>{' '}
          failed
        </p>
        {runs && endsAt !== undefined && <Ends at={endsAt} />}
        {runs && (
          <Button size="s" icon={CircleStop} onPress={() => ask(0)}>
            Stop
          </Button>
        )}
      </div>
      {failed > 0 && lastFailure !== undefined && (
        <p className="small load-last">
          Last failure: <code>{lastFailure}</code>
        </p>
      )}
      {problem !== undefined && <ProblemNotice title="The load did not change" problem={problem} />}
    </Section>
  );
}

function Ends({ at }: { readonly at: number }) {
  const now = useNow();
  return <p className="muted small">ends by itself in {countdown(at - now)}</p>;
}
