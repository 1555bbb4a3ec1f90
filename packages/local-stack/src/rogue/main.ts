/**
 * The program behind `npm run rogue`.
 */
import { runRogue } from './rogue.ts';

process.exitCode = await runRogue({ env: process.env, print: console.log });
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();
