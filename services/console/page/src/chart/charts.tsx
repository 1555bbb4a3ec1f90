/** Two plots side by side that share their time and their cursor. Read out by the sentence above them, not by themselves. */
import { useMemo } from 'react';
import type { AlignedData } from 'uplot';
import type { Sample } from '../../../src/wire/model.ts';
import { Plot } from './plot.tsx';
import { latencyPlot, ratePlot } from './plots.ts';

export interface Columns {
  readonly rate: AlignedData;
  readonly latency: AlignedData;
  /** Seconds since 1970 at which certificates were replaced. */
  readonly rotations: readonly number[];
}

export function Charts({ samples }: { readonly samples: readonly Sample[] }) {
  const { rate, latency, rotations } = useMemo(() => toColumns(samples), [samples]);
  return (
    <div className="charts" aria-hidden>
      <Plot options={ratePlot} data={rate} marks={rotations} title="Calls a second" />
      <Plot options={latencyPlot} data={latency} marks={rotations} title="Latency at the edge, ms" />
    </div>
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
