/**
 * The program behind `npm run doctor`.
 */
import { runDoctor } from './doctor.ts';

process.exitCode = await runDoctor({
  args: process.argv.slice(2),
  env: process.env,
  print: console.log,
  printError: console.error,
});
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();
