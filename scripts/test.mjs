/**
 * `npm test [files...]`: sets up, then runs every hermetic test with Node's own runner. Real sockets, real TLS, real
 * PostgreSQL; nothing but Node and the packages from npm is needed.
 */
import { spawn } from 'node:child_process';
import { ensureSetup, root } from './setup.mjs';

const ALL = [
  '{packages,services}/*/src/**/*.test.ts',
  'services/console/page/src/**/*.test.ts',
  'bench/src/*.test.ts',
  'scripts/*.test.mjs',
  'test/{architecture,documents,integration,matrix}/*.test.ts',
];

const node = ensureSetup();
const chosen = process.argv.slice(2);
const args = [
  '--test',
  '--test-concurrency=2',
  '--test-timeout=240000',
  '--import=@countersign/testkit/leak-check',
  ...(chosen.length > 0 ? chosen : ALL),
];
const child = spawn(node, args, { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'test' } });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
