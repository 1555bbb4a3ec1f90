/**
 * `npm run test:packages [-- files]`: packs spiffe-tls and dev-trust-domain as they would be published, looks at the tarballs, installs
 * them in empty projects, and runs them and the library's own tests on each Node that is promised.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureNode, NODE_VERSIONS } from './node-versions.mjs';
import { packPackage } from './pack-package.mjs';
import { ensureSetup, root } from './setup.mjs';

const node = ensureSetup();
const chosen = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'countersign-packages-'));
let status = 1;
try {
  const nodes = Object.fromEntries(NODE_VERSIONS.map((version) => [version, ensureNode(version, console.log)]));
  // The second is built against the first.
  const tarballs = ['spiffe-tls', 'dev-trust-domain'].map((name) => packPackage(name, join(folder, 'tarballs')));
  const env = {
    ...process.env,
    NODE_ENV: 'test',
    COUNTERSIGN_NODES: JSON.stringify(nodes),
    COUNTERSIGN_TARBALLS: JSON.stringify(tarballs),
    COUNTERSIGN_PACKAGES_FOLDER: folder,
  };
  const flags = ['--test', '--test-concurrency=1', '--test-timeout=600000'];
  status =
    spawnSync(node, [...flags, ...(chosen.length > 0 ? chosen : ['test/packages/*.test.ts'])], {
      cwd: root,
      stdio: 'inherit',
      env,
    }).status ?? 1;
} catch (error) {
  console.error(`test:packages: ${error.message}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);
