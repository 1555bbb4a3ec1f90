/** `npm run start:spire`: the whole system on this machine, on real SPIRE. */
import { launch } from './launch.mjs';
import { spireEnvironment } from './spire-environment.mjs';

launch('start', process.argv.slice(2), { ...spireEnvironment(), COUNTERSIGN_IDENTITY_PROVIDER: 'spire' });
