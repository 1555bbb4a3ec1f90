/**
 * `npm run test:spire [files...]`: the tests on real SPIRE. Needs root on Linux and SPIRE's programs (`npm run peers`); what
 * is missing is said and fails, nothing is skipped. One file at a time: each runs a SPIRE and the whole system.
 */
import { spawn } from 'node:child_process';
import { findTool } from './peer-tools.mjs';
import { ensureSetup, root } from './setup.mjs';
import { spireEnvironment } from './spire-environment.mjs';

// The last two are of `npm test`: the variable has them run on SPIRE.
const ALL = ['test/spire/*.test.ts', 'test/integration/order-journey.test.ts', 'test/integration/telemetry.test.ts'];

const envoy = findTool('envoy');
const peers = envoy === undefined ? {} : { COUNTERSIGN_PEER_ENVOY: envoy };
const env = {
  ...process.env,
  ...spireEnvironment(),
  ...peers,
  COUNTERSIGN_IDENTITY_PROVIDER: 'spire',
  NODE_ENV: 'test',
};
const node = ensureSetup();
const chosen = process.argv.slice(2);
const args = [
  '--test',
  '--test-concurrency=1',
  '--test-timeout=240000',
  '--import=@countersign/testkit/leak-check',
  ...(chosen.length > 0 ? chosen : ALL),
];
const child = spawn(node, args, { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
