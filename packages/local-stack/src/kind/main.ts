/**
 * The program behind `npm run kind`, and behind Tilt's buttons.
 */
import { runKind } from './kind.ts';

process.exitCode = await runKind({
  args: process.argv.slice(2),
  env: process.env,
  print: console.log,
  printError: console.error,
});
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();
