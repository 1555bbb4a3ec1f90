#!/usr/bin/env node
/** The development trust domain as a process; `--help` says how it is configured. */
import { HELP } from './config.ts';
import { DevTrustDomainError } from './errors.ts';
import { runTrustDomain } from './process.ts';

const stop = new AbortController();
for (const event of ['SIGINT', 'SIGTERM', 'disconnect']) process.once(event, () => stop.abort());
const { env } = process;
const { COUNTERSIGN_PARENT_PIPE: parentPipe } = env;
if (parentPipe === 'stdin') process.stdin.once('close', () => stop.abort()).resume();

const log = (event: object) => console.log(JSON.stringify({ time: new Date().toISOString(), ...event }));
const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  console.log(HELP);
} else {
  try {
    await runTrustDomain({ args, env, signal: stop.signal, log });
  } catch (cause) {
    if (!(cause instanceof DevTrustDomainError)) throw cause;
    log({ event: 'failed', code: cause.code, message: cause.message });
    process.exitCode = 1;
  }
  // A parent that is alive keeps the channel open, and the channel keeps this process.
  if (process.connected) process.disconnect();
  process.stdin.destroy();
  // The socket of a client that does not read (a stopped process, say) stays open: that is no reason to stay.
  setTimeout(() => process.exit(), 1_000).unref();
}
