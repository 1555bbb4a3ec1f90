/**
 * `npm run test:soak [-- --seconds N]`: every SVID is rotated every second under load, ten minutes long by default. No call
 * may fail, and listeners, timers, sockets and memory may not grow. `npm run test:soak -- --console`: what the console costs the
 * services, in rounds with it, with it killed, and without telemetry; it wants the machine for itself.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureSetup, root } from './setup.mjs';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '600' }, console: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 60) {
  console.error(`test:soak: --seconds must be a whole number of at least 60, got ${JSON.stringify(values.seconds)}`);
  process.exit(2);
}
const flags = ['--expose-gc', '--test', '--test-isolation=none', `--test-timeout=${(seconds + 180) * 1_000}`];
const { status } = spawnSync(
  ensureSetup(),
  [...flags, values.console ? 'test/soak/console-cost.test.ts' : 'test/soak/{growth,rotation-soak}.test.ts'],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_ENV: 'test', COUNTERSIGN_SOAK_SECONDS: String(seconds) },
  },
);
process.exit(status ?? 1);
