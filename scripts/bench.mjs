/**
 * `npm run bench -- [--quick] [--save] [--profile <folder>]`: sets up, then compares our adapters and guard with bare Node TLS.
 * Takes less than three minutes, half a minute with `--quick`.
 */
import { spawn } from 'node:child_process';
import { ensureSetup, root } from './setup.mjs';

const node = ensureSetup();
const env = { ...process.env, NODE_ENV: 'production' };
const child = spawn(node, ['bench/src/main.ts', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
