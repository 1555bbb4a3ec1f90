/**
 * The program behind `npm run policy`.
 */
import { runPolicy } from './policy.ts';

process.exitCode = await runPolicy({
  args: process.argv.slice(2),
  env: process.env,
  print: console.log,
  printError: console.error,
});
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();
