/**
 * `npm run matrix [-- --only TEXT ...] [-- --provider spire]`: tries every caller by every way in with every attack, and shows
 * which got what. `--mutate` breaks each check in turn. On SPIRE it takes root, Linux and SPIRE's programs (`npm run peers`).
 */
import { launch } from './launch.mjs';
import { takeProvider } from './on-spire.mjs';

const name = process.argv.includes('--mutate') ? 'mutate' : 'matrix';
const rest = process.argv.slice(2).filter((arg) => arg !== '--mutate');
const { args, place } = takeProvider('matrix', rest);
launch(name, args, { ...place.env, NODE_ENV: 'test' }, place);
