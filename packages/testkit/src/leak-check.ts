/**
 * Fails a test file that leaves a socket, server, child process or timer behind: its process is still alive long after its
 * tests have ended. Loaded into every test process with `--import`; names what was left instead of letting the run hang.
 */
import { after } from 'node:test';

/** Longer than any file's own `after` hooks take: this one is registered first, so it also runs first. */
const ENDED_WITHIN_MS = 20_000;

after(() => {
  const timer = setTimeout(() => {
    const left = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'TTYWrap');
    process.stderr.write(`leak check: left open ${ENDED_WITHIN_MS / 1000} s after the last test: ${left.join(', ')}\n`);
    process.exit(1);
  }, ENDED_WITHIN_MS);
  timer.unref();
});
