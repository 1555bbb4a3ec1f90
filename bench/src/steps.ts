/**
 * What is measured in microseconds and away from the loads: verdicts, ours and go-spiffe's, the decision, and what federated
 * bundles and SVID updates cost.
 */
import { startGoProgram } from './go-program.ts';
import { profileArguments } from './profile.ts';
import type { Results } from './results.ts';
import type { RunOptions } from './run.ts';
import { type StepFigures, summarizeStep } from './step-figures.ts';
import type { StepCommands } from './steps-main.ts';
import { createChainCallers } from './test-credentials.ts';
import { measureBundles, measureUpdates } from './updates.ts';
import { createVerdictCases, type VerdictCase } from './verdict-cases.ts';
import { startWorker, type Worker } from './worker.ts';

/** A verdict over a certificate that was never seen costs a signature; there is no making more of them than needed. */
const FRESH_SHARE = 0.02;
/** How many grants a decision is made among. */
const GRANTS = [20, 1_000, 10_000, 100_000];
/** Nor are more chains needed: each is signed anew, and kept until it expires. */
const CHAIN_SHARE = 0.1;

/** What the Go program is asked for here. */
type VerifyCommands = {
  verify: (request: Pick<VerdictCase, 'chains' | 'bundlePem' | 'peerId'>) => number[];
};

export async function measureSteps(options: RunOptions): Promise<Pick<Results, 'steps' | 'bundles' | 'updates'>> {
  const { effort, profileDirectory, onProgress } = options;
  const worker = startWorker<StepCommands>('./steps-main.ts', profileArguments('steps', profileDirectory));
  const steps: StepFigures[] = [];
  try {
    for (const shape of await createVerdictCases(effort.samples * FRESH_SHARE)) {
      steps.push(...(await worker.ask('judge', { ...shape, samples: effort.samples })));
      if (options.goSpiffe !== undefined) steps.push(await judgeByGoSpiffe(options.goSpiffe, shape));
    }
    for (const hops of await createChainCallers()) {
      steps.push(...(await worker.ask('chain', { ...hops, samples: effort.samples * CHAIN_SHARE })));
    }
    steps.push(await worker.ask('decide', effort.samples));
    for (const grants of GRANTS) {
      steps.push(await worker.ask('decideAmong', { grants, samples: effort.samples * CHAIN_SHARE }));
    }
  } finally {
    await worker.stop();
  }
  onProgress('federated bundles');
  const bundles = await measureBundles(effort);
  onProgress(`${effort.updates} SVID updates`);
  return { steps, bundles, updates: await measureUpdates(effort, profileDirectory) };
}

async function judgeByGoSpiffe(program: string, { shape, ...request }: VerdictCase): Promise<StepFigures> {
  const worker: Worker<VerifyCommands> = startGoProgram(program);
  try {
    return summarizeStep(`go-spiffe's verdict, ${shape}`, await worker.ask('verify', request));
  } finally {
    await worker.stop();
  }
}
