#!/usr/bin/env node
/** `npm run trust-domain -- <command>`, or `dev-trust-domain-control <command>`: see `cli-commands.ts`. */
import { runCli } from './cli-commands.ts';

const { argv, env } = process;
process.exitCode = await runCli({
  args: argv.slice(2),
  env,
  nowMs: Date.now(),
  print: console.log,
  printError: console.error,
});
