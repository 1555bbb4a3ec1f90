/**
 * `npm run policy:check`: what guards the rules and needs OPA. Format, strict check against the schemas, tests with every
 * line covered, and that data and compiled bundle are what the sources make.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOpa } from './opa.mjs';
import { ensureSetup } from './setup.mjs';

const policies = fileURLToPath(new URL('../policies/', import.meta.url));
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Tests over `policies/inputs`, beside the Rego tests. */
const SHARED = ['shared-inputs.test.ts', 'explain/explain.test.ts'];

const node = ensureSetup();
let opa;
try {
  opa = findOpa();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

/** The schemas and the shared inputs are data to the tests: a test asks what services ask and gets what they accept. */
const inputs = readdirSync(`${policies}inputs`).map((file) => `inputs.${basename(file, '.json')}:inputs/${file}`);
const tested = ['rules', 'schemas.input:schemas/input.json', 'schemas.result:schemas/result.json', ...inputs];
/** @type {[title: string, command: string, args: string[]][]} */
const CHECKS = [
  ['format', opa, ['fmt', '--fail', '--diff', 'rules']],
  ['strict check against the schemas', opa, ['check', '--strict', '--schema', 'schemas', 'rules']],
  ['tests', opa, ['test', ...tested]],
  ['coverage of 100%', opa, ['test', '--coverage', '--threshold', '100', ...tested]],
  ['data, rule list and bundle are current', node, [script('generate-policies.ts'), '--check']],
  [
    'the compiled policy, the guards and explain decide the shared inputs alike',
    node,
    ['--test', ...SHARED.map((file) => script(`../packages/authz/src/${file}`))],
  ],
];
// Not part of the set-up: nothing in npm carries it.
if (spawnSync('regal', ['version']).status === 0) CHECKS.push(['regal', 'regal', ['lint', 'rules']]);
else console.log('--     regal is not on PATH: its lint is left out');

let failed = 0;
for (const [title, command, args] of CHECKS) {
  const result = spawnSync(command, args, { cwd: policies, encoding: 'utf8' });
  const passed = result.status === 0;
  if (!passed) failed += 1;
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${title}`);
  if (!passed) console.log(result.error?.message ?? `${result.stdout}${result.stderr}`);
}
console.log(`policy check: ${CHECKS.length - failed} of ${CHECKS.length} passed`);
process.exit(failed === 0 ? 0 : 1);
