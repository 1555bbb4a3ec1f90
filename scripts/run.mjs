/** `node scripts/run.mjs <program> [arguments]`: what `npm run rogue`, `inspect`, `policy` and `trust-domain` call. */
import { launch } from './launch.mjs';

launch(process.argv[2], process.argv.slice(3));
