/** `npm run start:spire`: the whole system on this machine, on real SPIRE. */
import { spireEnvironment } from './spire-environment.mjs';
import { startWithConsole } from './start-with-console.mjs';

startWithConsole({ ...spireEnvironment(), COUNTERSIGN_IDENTITY_PROVIDER: 'spire' });
