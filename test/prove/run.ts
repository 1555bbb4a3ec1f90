/** Runs experiments in a lab of their own, one after the other, tells of each, and writes the report. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeStateDirectory } from '@countersign/local-stack';
import { type Experiment, type Outcome, runExperiment } from './experiment.ts';
import { type Lab, type LabOptions, openLab } from './lab.ts';
import { isProven, type Report, toTerminal, writeReport } from './report.ts';
import { providerInWords } from './trust.ts';

/** What to run and where to tell of it. */
export interface ProveOptions extends Omit<LabOptions, 'stateDirectory'> {
  readonly experiments: readonly Experiment[];
  /** Where the report goes. */
  readonly reportFolder: string;
  print(text: string): void;
  /** Puts something else in the place of a part of the lab. For tests of this program. */
  readonly change?: (lab: Lab) => Lab | Promise<Lab>;
}

/** @returns whether everything was proven */
export async function prove({ experiments, reportFolder, print, change, ...options }: ProveOptions): Promise<boolean> {
  const stateDirectory = mkdtempSync(join(tmpdir(), 'countersign-prove-'));
  const startedAt = new Date().toISOString();
  const begin = performance.now();
  try {
    const provider = providerInWords(options.spire === undefined ? 'embedded' : 'spire');
    print(`A system of its own is started, with identities from ${provider}`);
    await using lab = await openLab({ ...options, stateDirectory });
    const changed = change === undefined ? lab : await change(lab);
    const outcomes = await Promise.race([runAll(experiments, changed, print), whenStopped(options.signal)]);
    const report: Report = {
      startedAt,
      durationMs: Math.round(performance.now() - begin),
      provider: lab.trust.provider,
      node: process.versions.node,
      outcomes,
    };
    const path = writeReport(reportFolder, report);
    const wrong = outcomes.filter(({ verdict }) => verdict === 'fails').map(({ id }) => id);
    print(isProven(report) ? '\nEvery claim holds.' : `\nNOT PROVEN: ${wrong.join(', ') || 'nothing was shown'}`);
    print(`Report: ${path}`);
    return isProven(report);
  } finally {
    removeStateDirectory(stateDirectory);
  }
}

/** Rejects when the run is to end early. */
async function whenStopped(signal: AbortSignal | undefined): Promise<never> {
  await new Promise<void>((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  throw new Error('prove: stopped');
}

async function runAll(experiments: readonly Experiment[], lab: Lab, print: (text: string) => void): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const experiment of experiments) {
    print(`\n${experiment.id} ${experiment.kind === 'contrast' ? 'CONTRAST ' : ''}${experiment.title}`);
    const outcome = await runExperiment(experiment, lab);
    print(toTerminal(outcome));
    outcomes.push(outcome);
  }
  return outcomes;
}
