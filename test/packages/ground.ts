/**
 * What `npm run test:packages` hands to its tests: the tarballs, the Nodes, a folder to work in.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Path of each Node by version, oldest first. */
export const nodes: ReadonlyMap<string, string> = new Map(Object.entries(fromEnv('COUNTERSIGN_NODES')));
/** Of spiffe-tls, then of dev-trust-domain. */
export const tarballs: readonly string[] = Object.values(fromEnv('COUNTERSIGN_TARBALLS'));

/** A new folder outside of the checkout. */
export function makeFolder(name: string): string {
  const { COUNTERSIGN_PACKAGES_FOLDER: parent } = process.env;
  assert.ok(parent);
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** An empty project with these dependencies, installed by the npm that belongs to no workspace. */
export function makeProject(name: string, node: string, dependencies: readonly string[]): string {
  const folder = makeFolder(name);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
  const flags = ['--no-audit', '--no-fund', '--engine-strict', '--prefer-offline', '--loglevel=error'];
  run(node, [npmScript(), 'install', ...flags, ...dependencies], folder);
  return folder;
}

/** Copies a program of test/packages/programs into a project, where its imports are those of the project. */
export function addProgram(folder: string, name: string): string {
  const target = join(folder, name);
  cpSync(join(root, 'test/packages/programs', name), target);
  return target;
}

/** Runs a command to its end. Throws with what it printed when it fails. */
export function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...inherited(), PATH: `${dirname(command)}:${process.env['PATH']}`, ...env },
  });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
  return stdout;
}

/** The user's environment (proxies, CAs, npm's registry), without what npm and the test runner told this process about itself. */
function inherited(): NodeJS.ProcessEnv {
  const own = /^(npm_(?!config_(registry|cache)$)|NODE_TEST_|NODE_ENV$|NODE_OPTIONS$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}

function npmScript(): string {
  const { npm_execpath: script } = process.env;
  assert.ok(script, 'these tests are run by: npm run test:packages');
  return script;
}

function fromEnv(name: string): Record<string, string> {
  const text = process.env[name];
  assert.ok(text, 'these tests are run by: npm run test:packages');
  return JSON.parse(text);
}
