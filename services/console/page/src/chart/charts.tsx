/** Two plots side by side that share their time and their cursor. Read out by the sentence above them, not by themselves. */
import { useMemo } from 'react';
import type { AlignedData } from 'uplot';
import type { Sample } from '../../../src/wire/model.ts';
import { Plot } from './plot.tsx';
import { latencyPlot, ratePlot } from './plots.ts';

interface Columns {
  readonly rate: AlignedData;
  readonly latency: AlignedData;
  /** Seconds since 1970 at which certificates were replaced. */
  readonly rotations: readonly number[];
}

export function Charts({ samples }: { readonly samples: readonly Sample[] }) {
  const { rate, latency, rotations } = useMemo(() => toColumns(samples), [samples]);
  return (
    <div className="charts" aria-hidden>
      <Plot
        options={ratePlot}
        data={rate}
        marks={rotations}
        title={(at) => (
          <>
            Calls a second
            <Key line="good" name="let in" value={samples[at]?.allowed} />
            <Key line="bad" name="refused" value={samples[at]?.refused} />
          </>
        )}
      />
      <Plot
        options={latencyPlot}
        data={latency}
        marks={rotations}
        title={(at) => (
          <>
            Latency, ms
            <Key line="p50" name="p50" value={samples[at]?.p50Ms?.toFixed(1)} />
            <Key line="p95" name="p95" value={samples[at]?.p95Ms?.toFixed(1)} />
          </>
        )}
      />
      <p className="charts-key">
        <span className="charts-diamond" /> a certificate was replaced
      </p>
    </div>
  );
}

interface KeyProps {
  readonly line: string;
  readonly name: string;
  readonly value: string | number | undefined;
}

function Key({ line, name, value }: KeyProps) {
  return (
    <span className="plot-key">
      <span className={`plot-line plot-line-${line}`} />
      {name} <b>{value ?? '–'}</b>
    </span>
  );
}

function toColumns(samples: readonly Sample[]): Columns {
  const at = samples.map((sample) => sample.at / 1000);
  return {
    rate: [at, samples.map(({ allowed }) => allowed), samples.map(({ refused }) => refused)],
    latency: [at, samples.map(({ p50Ms }) => p50Ms ?? null), samples.map(({ p95Ms }) => p95Ms ?? null)],
    rotations: samples.filter((sample) => sample.rotations > 0).map((sample) => sample.at / 1000),
  };
}
