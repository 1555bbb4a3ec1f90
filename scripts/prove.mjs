/**
 * `npm run prove [-- --only G1] [-- --provider spire]`: shows the four properties of product.md by experiments, on a system of its own.
 * On SPIRE it takes root, Linux and SPIRE's programs (`npm run peers`).
 */
import { launch } from './launch.mjs';
import { takeProvider } from './on-spire.mjs';

const { args, place } = takeProvider('prove', process.argv.slice(2));
launch('prove', args, place.env, place);
