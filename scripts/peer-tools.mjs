/**
 * The real programs that tests and `npm run start:spire` use beside ours: found on PATH or in the cache folder in a fitting
 * version, else built from the pins in `test/peers/build`, or taken from a package. Nothing is written to the checkout. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildWithGo, checkGo } from './go-build.mjs';
import { BUILDERS } from './language-builds.mjs';
import { installDebianPackage, installWheel } from './peer-packages.mjs';
import { hashOfModule } from './pins.mjs';

const spire = { version: '1.15.3', fitting: /^1\.15\.\d/m, module: 'spire', ask: '--version' };

/** By name: a later patch of the version may stand in for it. `cgo`: needs a C compiler, for SQLite. */
const TOOLS = {
  'spire-agent': { ...spire, main: 'github.com/spiffe/spire/cmd/spire-agent' },
  'spire-server': { ...spire, main: 'github.com/spiffe/spire/cmd/spire-server', cgo: true },
  'spiffe-helper': {
    version: '0.11.0',
    fitting: /^v?0\.11\.\d/m,
    module: 'spiffe-helper',
    ask: '-version',
    main: 'github.com/spiffe/spiffe-helper/cmd/spiffe-helper',
  },
  ghostunnel: {
    version: '1.8.4',
    fitting: /^rev v?1\.8\.\d/m,
    module: 'ghostunnel',
    ask: '--version',
    main: 'github.com/ghostunnel/ghostunnel',
    // Its own build does the same; without, it says "rev master".
    ldflags: '-X main.version=v1.8.4',
  },
  envoy: {
    version: '1.40.0',
    fitting: /\/1\.40\.\d+\//m,
    ask: '--version',
    requirements: 'envoy/requirements.txt',
    wheelPath: 'envoy/_bin/envoy',
  },
  openssl: { debian: 'openssl', needs: 'OpenSSL 3', fitting: /^OpenSSL 3\./m, ask: 'version' },
  curl: { debian: 'curl', needs: 'curl', fitting: /^curl \d/m, ask: '--version' },
  nginx: {
    debian: 'nginx',
    needs: 'nginx 1.22 or newer',
    fitting: /nginx\/1\.(2[2-9]|[3-9]\d)/m,
    ask: '-v',
    unpack: 'usr/sbin/nginx',
  },
  // Ours, around go-spiffe: its version is the hash of its sources, so a change builds it anew.
  'go-spiffe-interop': ownProgram('go-spiffe', 'interop'),
  'go-spiffe-oracle': ownProgram('go-spiffe', 'oracle'),
  'rust-spiffe-interop': languageProgram('rust-spiffe', 'cargo'),
  'java-spiffe-interop': languageProgram('java-spiffe', 'maven'),
  'py-spiffe-interop': languageProgram('py-spiffe', 'venv'),
  'go-spiffe-bench': ownProgram('go-spiffe', 'bench'),
};

/** Ours, around the SPIFFE library of another language. */
function languageProgram(module, builder) {
  return { version: hashOfModule(module), module, ...BUILDERS[builder] };
}

function ownProgram(module, command) {
  return { version: hashOfModule(module), module, main: `./cmd/${command}` };
}

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
  const cache = env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'countersign', 'tools', `${name}-${TOOLS[name].version ?? 'debian'}`);
}

/** SPIRE answers on stderr, the others on stdout. */
function fits(program, { ask, fitting }, env) {
  const { status, stdout, stderr } = spawnSync(program, [ask], { encoding: 'utf8', env });
  return status === 0 && (fitting.test(stdout) || fitting.test(stderr));
}
