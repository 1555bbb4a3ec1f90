/**
 * The program behind `npm run inspect`.
 */
import { runInspect } from './inspect.ts';

process.exitCode = await runInspect({
  args: process.argv.slice(2),
  env: process.env,
  print: console.log,
  printError: console.error,
});
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();
