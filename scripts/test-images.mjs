/**
 * `npm run test:images [files...]`: builds the images without a container engine and looks into them: contents, size, the same
 * image twice, confined start. Needs Linux as root, with buildah and bubblewrap, which it installs on Debian.
 */
import { spawn } from 'node:child_process';
import { ensureNodePackages } from './cluster-tools-debian.mjs';
import { ensureSetup, root } from './setup.mjs';

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  console.error('test:images: layers are unpacked with their owners, which takes root on Linux; run it as root');
  process.exit(1);
}
const node = ensureSetup();
try {
  ensureNodePackages(console.log);
} catch (error) {
  console.error(`test:images: ${error.message}`);
  process.exit(1);
}
const chosen = process.argv.slice(2);
const args = [
  '--test',
  '--test-timeout=600000',
  '--import=@countersign/testkit/leak-check',
  ...(chosen.length > 0 ? chosen : ['test/cluster/images/**/*.test.ts']),
];
const child = spawn(node, args, { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_ENV: 'test' } });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
