/**
 * `npm run policy:check`: what guards the rules and needs OPA. Format, strict check against the schemas, tests with every
 * line covered, and that data and compiled bundle are what the sources make.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findOpa } from './opa.mjs';
import { ensureSetup } from './setup.mjs';

const policies = fileURLToPath(new URL('../policies/', import.meta.url));
const script = (name) => fileURLToPath(new URL(name, import.meta.url));

const node = ensureSetup();
let opa;
try {
  opa = findOpa();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

/** The schemas are data to the tests: a test asks what services ask and gets what they accept. */
const tested = ['rules', 'schemas.input:schemas/input.json', 'schemas.result:schemas/result.json'];
/** @type {[title: string, command: string, args: string[], input?: () => Buffer][]} */
const CHECKS = [
  ['format', opa, ['fmt', '--fail', '--diff', 'rules']],
  ['strict check against the schemas', opa, ['check', '--strict', '--schema', 'schemas', 'rules']],
  ['tests', opa, ['test', ...tested]],
  ['coverage of 100%', opa, ['test', '--coverage', '--threshold', '100', ...tested]],
  ['data and bundle are current', node, [script('generate-policies.ts'), '--check']],
  [
    'the compiled policy decides the cases alike',
    node,
    [script('policy-parity.ts')],
    () => spawnSync(opa, EVAL, { cwd: policies }).stdout,
  ],
];

/** The cases of the tests, asked of the compiled policy. */
const EVAL = [
  'eval',
  '--data',
  'rules',
  '{"cases": data.countersign.authz_test.cases, "grants": data.countersign.authz_test.grants}',
];

let failed = 0;
for (const [title, command, args, input] of CHECKS) {
  const result = spawnSync(command, args, { cwd: policies, encoding: 'utf8', input: input?.() });
  const passed = result.status === 0;
  if (!passed) failed += 1;
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${title}`);
  if (!passed) console.log(result.error?.message ?? `${result.stdout}${result.stderr}`);
}
console.log(`policy check: ${CHECKS.length - failed} of ${CHECKS.length} passed`);
process.exit(failed === 0 ? 0 : 1);
