/**
 * The Node releases that packages are tested on, from npm's packages of Node's binaries, in the cache folder. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { toolFolder } from './tool-cache.mjs';

/** The last of the oldest line that is promised, then the newest of each line in support. */
export const NODE_VERSIONS = ['20.19.6', '22.23.3', '24.21.0', '26.10.0'];

/** @returns {string} path of that Node; installed first if it is not there. Throws an error that says what to do. */
export function ensureNode(version, say, env = process.env) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = toolFolder('node', version, env);
  const node = join(folder, 'node_modules', name, 'bin', 'node');
  if (answers(node, version)) return node;
  say(`Node ${version}: installing ${name} from npm, once`);
  mkdirSync(folder, { recursive: true });
  const flags = ['--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', ['install', '--prefix', folder, ...flags, `${name}@${version}`], {
    stdio: 'inherit',
  });
  if (status === 0 && answers(node, version)) return node;
  throw new Error(
    `Node ${version}: npm has no ${name}@${version} for this machine, or it does not run here, see above`,
  );
}

function answers(node, version) {
  return existsSync(node) && spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}`;
}
