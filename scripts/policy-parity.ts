/**
 * The cases of the Rego tests, asked of the committed WASM: what `opa test` proves of the rules holds for what services
 * run. Reads the cases as `opa eval` prints them: `{ name: [input, expected decision] }`.
 */
import { deepStrictEqual } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readArchive } from '../packages/authz/src/bundle/bundle-archive.ts';
import { bundleFile } from './policy-sources.ts';

interface Cases {
  readonly grants: unknown;
  readonly cases: Readonly<Record<string, readonly [input: unknown, expected: unknown]>>;
}

const { loadPolicySync }: typeof import('@open-policy-agent/opa-wasm') = createRequire(
  new URL('../packages/authz/package.json', import.meta.url),
)('@open-policy-agent/opa-wasm');

const { grants, cases }: Cases = JSON.parse(readFileSync(0, 'utf8')).result[0].expressions[0].value;
const wasm = (await readArchive(readFileSync(bundleFile))).get('policy.wasm');
if (wasm === undefined) throw new Error('policy parity: the bundle holds no policy.wasm');
const policy = loadPolicySync(new Uint8Array(wasm));
policy.setData({ grants });
for (const [name, [input, expected]] of Object.entries(cases)) {
  // As bytes: null and false are inputs too, and would be taken for none.
  const bytes = new TextEncoder().encode(JSON.stringify(input));
  deepStrictEqual(policy.evaluate(bytes.buffer.slice(0, bytes.byteLength)), [{ result: expected }], name);
}
console.log(`policy parity: ${Object.keys(cases).length} cases are decided alike`);
