/** `npm start`: the whole system on this machine. */
import { launch } from './launch.mjs';

launch('start', process.argv.slice(2));
