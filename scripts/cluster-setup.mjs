/**
 * What a machine needs for `npm run test:cluster`, and the folder that a node starts from: programs, definitions, images.
 * Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { succeeds } from './cluster-node.mjs';
import { ensureCrds, ensureNodePackages, linkTools } from './cluster-tools.mjs';
import { GROUPS } from './peer-tools.mjs';

const MEMORY_GIB = 3;

/** Says what is missing on this machine, all of it. */
export function endUnlessPossible() {
  const obstacles = findObstacles();
  if (obstacles.length === 0) return;
  console.error(obstacles.map((it) => `test:cluster: ${it}`).join('\n'));
  process.exit(1);
}

function findObstacles() {
  if (process.platform !== 'linux')
    return ['a container runtime of its own takes Linux; on other systems use kind: npm run kind -- up'];
  const obstacles = [];
  if (process.getuid() !== 0) obstacles.push('namespaces, mounts and control groups take root; run it as root');
  if (!existsSync('/sys/fs/cgroup')) obstacles.push('it needs control groups, mounted on /sys/fs/cgroup');
  if (fileSystem(tmpdir()) === 'overlayfs')
    obstacles.push(
      `containers need overlays, which can't stand on another one: set TMPDIR to a folder on ext4, xfs or tmpfs`,
    );
  if (freemem() < MEMORY_GIB * 2 ** 30)
    obstacles.push(`it needs ${MEMORY_GIB} GiB of free memory, there are ${(freemem() / 2 ** 30).toFixed(1)}`);
  return obstacles;
}

function fileSystem(folder) {
  return spawnSync('stat', ['--file-system', '--format', '%T', folder], { encoding: 'utf8' }).stdout.trim();
}

/** Programs under their plain names, SPIRE's definitions, and every image that is not fetched. */
export async function prepareFolder(state, node, signal) {
  ensureNodePackages(console.log);
  linkTools(GROUPS.cluster, join(state, 'bin'), console.log);
  symlinkSync(node, join(state, 'bin', 'node'));
  symlinkSync(ensureCrds(console.log), join(state, 'crds'));
  // Of the suite, which runs where nothing can be fetched.
  ensureCrds(console.log, process.env, 'cert-manager');
  mkdirSync(join(state, 'images'));
  const env = { ...process.env, PATH: `${join(state, 'bin')}${delimiter}${process.env.PATH}` };
  await make(node, ['test/cluster/images/make.ts', join(state, 'images')], { signal, env });
  await make('test/cluster/images/build-service.sh', ['--warm'], { signal, env });
}

async function make(program, args, options) {
  if (!(await succeeds(program, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })))
    throw new Error(`${[program, ...args].join(' ')} failed`);
}
