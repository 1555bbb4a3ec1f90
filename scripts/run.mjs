/** `node scripts/run.mjs <program> [arguments]`: what `npm run rogue`, `inspect` and `trust-domain` call. */
import { launch } from './launch.mjs';

launch(process.argv[2], process.argv.slice(3));
