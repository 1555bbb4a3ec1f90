/**
 * `npm run test:spire [files...]`: the tests on real SPIRE. Needs root on Linux and SPIRE's programs (`npm run peers`); what
 * is missing is said and fails, nothing is skipped. Two files at a time: each runs a SPIRE and the whole system, and mostly
 * waits for the agent's next sync.
 */
import { spawn } from 'node:child_process';
import { onSpire } from './on-spire.mjs';
import { findTool } from './peer-tools.mjs';

// All but the last run without SPIRE, too: the variable has them run on it.
const ALL = [
  'test/integration/{doctor,explain,lifecycle,order-journey,policy-life,postgres,refusals,rogue,rotation,stack-control,telemetry}.test.ts',
  'test/{matrix,prove}/*.test.ts',
  'test/spire/*.test.ts',
];

const checkout = onSpire('test:spire');
const envoy = findTool('envoy');
const peers = envoy === undefined ? {} : { COUNTERSIGN_PEER_ENVOY: envoy };
const env = { ...process.env, ...checkout.env, ...peers, NODE_ENV: 'test' };
const chosen = process.argv.slice(2);
const args = [
  '--test',
  '--test-concurrency=2',
  '--test-timeout=240000',
  '--import=@countersign/testkit/leak-check',
  ...(chosen.length > 0 ? chosen : ALL),
];
const child = spawn(checkout.node, args, { cwd: checkout.root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  checkout.remove();
  process.exit(code ?? (signal ? 1 : 0));
});
