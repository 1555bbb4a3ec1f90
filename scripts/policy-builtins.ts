/**
 * Fails a build whose rules call functions that the compiled policy would not find in a service: named with rule and line.
 * No list of functions is kept: the module says what it needs from its host, and OPA is then asked to check the rules as
 * if it did not have what is missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parsePolicyBundle } from '../packages/authz/src/bundle/policy-bundle.ts';
import { AuthzError } from '../packages/authz/src/errors.ts';
import { createPolicyModule } from '../packages/authz/src/policy-module.ts';
import { findOpa } from './opa.mjs';
import { policiesFolder } from './policy-sources.ts';

/**
 * @param bundle as `opa build` wrote it
 * @param folder where a file may be written
 * @throws an error with each call, as `rules/authz.rego:12: ... undefined function time.now_ns`
 */
export async function refuseMissingBuiltins(bundle: Uint8Array, folder: string, rules = 'rules'): Promise<void> {
  const parsed = await parsePolicyBundle(bundle);
  try {
    createPolicyModule(parsed);
  } catch (error) {
    if (!(error instanceof AuthzError) || error.code !== 'BUILTIN_MISSING') throw error;
    throw new Error(`${error.message}\n${callsOf(error.message, folder, rules)}`);
  }
}

function callsOf(message: string, folder: string, rules: string): string {
  const missing = new Set([...message.matchAll(/"([^"]+)"/g)].map(([, name]) => name));
  const opa = findOpa();
  const cwd = fileURLToPath(policiesFolder);
  const capabilities: { builtins: { name: string }[] } = JSON.parse(
    execFileSync(opa, ['capabilities', '--current'], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
  );
  const builtins = capabilities.builtins.filter(({ name }) => !missing.has(name));
  const file = join(folder, 'capabilities.json');
  writeFileSync(file, JSON.stringify({ ...capabilities, builtins }));
  const args = ['check', '--capabilities', file, '--schema', 'schemas', '--ignore', '*_test.rego', rules];
  const { stdout, stderr } = spawnSync(opa, args, { cwd, encoding: 'utf8' });
  return `${stdout}${stderr}`.trim();
}
