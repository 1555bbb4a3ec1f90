/**
 * `npm run bench -- [--quick] [--save] [--profile <folder>]`: sets up, then compares our adapters and guard with bare Node TLS
 * and with go-spiffe, which is built at the first run and left out where there is no Go. Takes some six minutes, one with
 * `--quick`.
 */
import { spawn } from 'node:child_process';
import { ensureTool } from './peer-tools.mjs';
import { ensureSetup, root } from './setup.mjs';

const node = ensureSetup();
const env = { ...process.env, NODE_ENV: 'production' };
const rival = goSpiffe();
const args = [...(rival === undefined ? [] : ['--go-spiffe', rival]), ...process.argv.slice(2)];
const child = spawn(node, ['bench/src/main.ts', ...args], { cwd: root, stdio: 'inherit', env });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));

function goSpiffe() {
  try {
    return ensureTool('go-spiffe-bench', (text) => console.error(`bench: ${text}`));
  } catch (error) {
    console.error(`bench: without go-spiffe: ${error.message}`);
    return undefined;
  }
}
