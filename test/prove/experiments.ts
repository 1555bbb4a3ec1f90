/** All experiments, in the order in which they are run. */
import type { Experiment } from './experiment.ts';
import { replayContrasts } from './g1-contrast.ts';
import { wireExperiments } from './g1-wire.ts';
import { scopeExperiments } from './g2-scope.ts';

/** What `npm run prove` runs. */
export const experiments: readonly Experiment[] = [...wireExperiments, ...replayContrasts, ...scopeExperiments];
