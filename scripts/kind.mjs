/** `npm run kind -- up | down | doctor | rotate | ...`: the system on a cluster, and what can be done to it there. */
import { launch } from './launch.mjs';

launch('kind', process.argv.slice(2));
