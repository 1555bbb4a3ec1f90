/** `npm start`: the whole system on this machine. */
import { startWithConsole } from './start-with-console.mjs';

startWithConsole();
