/** All experiments, in the order in which they are run. */
import type { Experiment } from './experiment.ts';
import { linkExperiments } from './g1-chain.ts';
import { replayContrasts } from './g1-contrast.ts';
import { wireExperiments } from './g1-wire.ts';
import { scopeExperiments } from './g2-scope.ts';
import { callerExperiments } from './g3-caller.ts';
import { newcomerExperiments } from './g4-newcomer.ts';
import { rotationExperiments } from './g4-rotation.ts';

/** What `npm run prove` runs. */
export const experiments: readonly Experiment[] = [
  ...wireExperiments,
  ...linkExperiments,
  ...replayContrasts,
  ...scopeExperiments,
  ...callerExperiments,
  ...newcomerExperiments,
  ...rotationExperiments,
];
