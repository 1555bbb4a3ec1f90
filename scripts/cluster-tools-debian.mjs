/**
 * What the node takes from the machine and no build of ours brings. Plain JavaScript.
 */
import { existsSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { aptInstall, run } from './peer-packages.mjs';

/** Debian's package, and a program by which it is known to be there, whoever installed it. */
export const NODE_PACKAGES = [
  ['runc', 'runc'],
  ['containernetworking-plugins', '/usr/lib/cni/bridge'],
  ['nftables', 'nft'],
  ['iproute2', 'ip'],
  ['buildah', 'buildah'],
  ['bubblewrap', 'bwrap'],
  ['jq', 'jq'],
  ['openssl', 'openssl'],
  ['util-linux', 'nsenter'],
  ['mount', 'mount'],
  ['procps', 'sysctl'],
];

/** @returns {string[]} packages of which the program is neither on PATH nor where only root looks */
export function missingNodePackages(env = process.env, packages = NODE_PACKAGES) {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const isThere = (program) =>
    isAbsolute(program) ? existsSync(program) : folders.some((folder) => existsSync(join(folder, program)));
  return packages.filter(([, program]) => !isThere(program)).map(([name]) => name);
}

/** Installs what is missing, as root on Debian and nowhere else. Throws an error that says what to do. */
export function ensureNodePackages(say, env = process.env, isRoot = process.getuid?.() === 0) {
  const missing = missingNodePackages(env);
  if (missing.length === 0) return;
  const remedy = `cluster: needs these of Debian's packages, or the same of another distribution: ${missing.join(' ')}`;
  if (!isRoot || !existsSync('/etc/debian_version'))
    throw new Error(`${remedy}; as root on Debian they would be installed, now it is by hand`);
  say(`cluster: apt-get install ${missing.join(' ')}`);
  run('apt-get', ['update', '-qq'], { env }, remedy);
  aptInstall(missing, env, remedy);
  const still = missingNodePackages(env);
  if (still.length > 0) throw new Error(`${remedy}; installed, but ${still.join(' ')} did not bring its program`);
}
