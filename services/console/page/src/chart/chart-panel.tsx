/** The last minutes as two curves: how many were let in and refused, and how long the edge's requests took. */
import { milliseconds, Panel, plural, Term } from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { Charts } from './charts.tsx';
import { sumUp } from './summary.ts';
import './chart.css';

/** Seconds that are drawn. */
const SHOWN_SECONDS = 300;
const SUMMED_SECONDS = 60;

export default function ChartPanel() {
  const samples = useLive((live) => live.samples);
  const stale = useLive((live) => live.connection.state === 'lost');
  const { allowed, refused, rotations, p50Ms, p95Ms } = sumUp(samples.slice(-SUMMED_SECONDS));
  return (
    <Panel
      title="The last five minutes"
      tour="chart"
      lead={
        <>
          In the last minute: {allowed} let in, {refused} refused
          {p50Ms !== undefined && p95Ms !== undefined && (
            <>
              , <Term id="percentile" /> at most {milliseconds(p50Ms)} and {milliseconds(p95Ms)}
            </>
          )}
          , {plural(rotations, 'certificate')} <Term id="rotation">replaced</Term>.
        </>
      }
    >
      <div data-stale={stale || undefined}>
        <Charts samples={samples.slice(-SHOWN_SECONDS)} />
      </div>
    </Panel>
  );
}
