/**
 * `npm run policy -- explain` beside a running system: a call is refused, its answer names a decision, the decision is
 * explained from the service's log, and the change that is suggested makes the policy allow the call.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { applyChange } from '@countersign/authz';
import { loadIdentities } from '@countersign/identities';
import { authorizeId, createSpiffeHttpsAgent, createWorkloadApiX509Source, SpiffeId } from '@countersign/spiffe-tls';
import { parsePolicyBundle } from '../../packages/authz/src/bundle/policy-bundle.ts';
import { createPolicyModule } from '../../packages/authz/src/policy-module.ts';
import { runProgram } from './run-program.ts';
import { type SystemAnywhere, startTestSystemAnywhere } from './test-system.ts';

const POLICY = 'packages/local-stack/src/policy/main.ts';
const bundle = await parsePolicyBundle(readFileSync(new URL('../../policies/bundle.tar.gz', import.meta.url)));
const { workload } = loadIdentities();
let system: SystemAnywhere;

before(async () => {
  system = await startTestSystemAnywhere();
});

after(() => system?.stop());

function explain(decisionId: string) {
  return runProgram(POLICY, ['explain', '--json', decisionId], { COUNTERSIGN_STATE_DIR: system.stateDirectory });
}

/** An order, placed as auditor, who may only read. */
async function refusedDecision(): Promise<string> {
  await using source = createWorkloadApiX509Source({ endpoint: await system.socketAs('auditor') });
  await source.ready();
  const backend = SpiffeId.parse(workload('backend').spiffeId);
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(backend) });
  try {
    const outgoing = request(`https://${system.addresses.backend.https}/orders`, { agent, method: 'POST' });
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    assert.equal(response.statusCode, 403, text);
    return JSON.parse(text).decision_id;
  } finally {
    agent.destroy();
  }
}

test('a refusal is explained, and the change that is suggested allows the call', async () => {
  const { code, stdout, stderr } = await explain(await refusedDecision());
  assert.equal(code, 0, stderr);
  const { input, result, recorded, rule, change, revision } = JSON.parse(stdout);
  assert.deepEqual([recorded.same, recorded.revision, revision], [true, bundle.revision, bundle.revision]);
  assert.equal(result.reason, 'operation-not-granted');
  assert.equal(rule.title, 'A grant fits this call');
  assert.equal(input.peer.spiffe_id, workload('auditor').spiffeId);
  assert.equal(createPolicyModule(bundle).evaluate(input).allow, false);
  const data = applyChange(bundle.data, change.operations);
  assert.deepEqual(createPolicyModule({ ...bundle, data }).evaluate(input), change.result);
  assert.equal(change.result.allow, true);
});

test('a decision that nobody made is not explained', async () => {
  const { code, stdout, stderr } = await explain('00000000-0000-4000-8000-000000000000');
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /no record of decision/);
});
