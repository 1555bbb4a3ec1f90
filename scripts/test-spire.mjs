/**
 * `npm run test:spire [files...]`: the tests on real SPIRE. Needs root on Linux and SPIRE's programs (`npm run peers`); what
 * is missing is said and fails, nothing is skipped. Two files at a time: each runs a SPIRE and the whole system, and mostly
 * waits for the agent's next sync.
 */
import { spawn } from 'node:child_process';
import { findTool } from './peer-tools.mjs';
import { readableCheckout } from './readable-checkout.mjs';
import { ensureSetup, root } from './setup.mjs';
import { spireEnvironment } from './spire-environment.mjs';

// Those of the integration suite are of `npm test`, too: the variable has them run on SPIRE.
const ALL = [
  'test/integration/{doctor,explain,lifecycle,order-journey,policy-life,postgres,refusals,rogue,rotation,telemetry}.test.ts',
  'test/spire/*.test.ts',
];

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('test:spire: each service runs as a user of its own, which takes root and Linux; run it as root');
  process.exit(1);
}
const envoy = findTool('envoy');
const peers = envoy === undefined ? {} : { COUNTERSIGN_PEER_ENVOY: envoy };
const provider = { COUNTERSIGN_IDENTITY_PROVIDER: 'spire' };
const env = { ...process.env, ...spireEnvironment(), ...peers, ...provider, NODE_ENV: 'test' };
const checkout = prepare();
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

function prepare() {
  try {
    return readableCheckout(root, ensureSetup(), console.log);
  } catch (error) {
    console.error(`test:spire: ${error.message}`);
    return process.exit(1);
  }
}
