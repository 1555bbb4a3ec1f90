/**
 * The grants changed by the stack's control while the whole system runs: a real call is refused once the control says that
 * the change is applied, and served once it says that it is undone.
 */
import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadIdentities } from '@countersign/identities';
import { createPolicyControl, type PolicyControl, removeStateDirectory, type System } from '@countersign/local-stack';
import { startTestSystem, temporaryStateDirectory } from './test-system.ts';

const identities = loadIdentities();
const [customer, backend] = ['customer', 'backend'].map((name) => identities.workload(name).spiffeId);
const folder = temporaryStateDirectory();
const file = join(folder, 'grants/data.json');
let system: System;
let control: PolicyControl;

before(async () => {
  cpSync(fileURLToPath(new URL('../../policies/data', import.meta.url)), folder, { recursive: true });
  const env = { ...process.env, POLICY_DATA: folder };
  system = await startTestSystem({ env });
  control = createPolicyControl({ system, env, takenWithinMs: 3_000 });
});

after(async () => {
  await system?.stop();
  removeStateDirectory(folder);
});

/** What the customer's own page is answered for one call to backend. */
async function orders(): Promise<number> {
  const response = await fetch(`${system.customerUrl}/api/orders?via=http`);
  await response.text();
  return response.status;
}

/** The grants without what lets customer list orders over HTTPS. */
function withoutOrders(): string {
  const grants: Record<string, Record<string, Record<string, object>>> = JSON.parse(readFileSync(file, 'utf8'));
  delete grants[String(backend)]?.[String(customer)]?.['GET /orders'];
  return JSON.stringify(grants, undefined, 2);
}

test('a grant that is taken away is refused at once, and served again once that is undone', async () => {
  assert.equal(await orders(), 200);
  const before = await control.policy();
  const applied = await control.applyPolicy(withoutOrders(), before.revision);
  assert.equal(await orders(), 403);
  assert.deepEqual(await control.undoPolicy(applied.revision), before);
  assert.equal(await orders(), 200);
});

test('what a service decided is tried again on a text that is not applied', async () => {
  await orders();
  const record = await system.waitForLog(
    'backend',
    ({ event, input }) => event === 'decision' && JSON.stringify(input ?? {}).includes('"GET /orders"'),
  );
  const recent = [
    { decisionId: String(record['decision_id']), input: record['input'], result: record['result'], hidden: [] },
  ];
  const { valid, tried, changed } = await control.checkPolicy(withoutOrders(), recent);
  assert.deepEqual([valid, tried, changed.map(({ after }) => after.reason)], [true, 1, ['operation-not-granted']]);
  assert.equal(await orders(), 200);
});

test('a service that hangs keeps the change from everybody', async () => {
  const before = await control.policy();
  await system.kill('db-client', 'SIGSTOP');
  try {
    const message = /db-client has not taken it within 3 s; the former grants are back/;
    await assert.rejects(control.applyPolicy(withoutOrders(), before.revision), { code: 'POLICY_REFUSED', message });
    assert.deepEqual(await control.policy(), before);
  } finally {
    await system.kill('db-client', 'SIGCONT');
  }
  assert.equal(await orders(), 200);
});

test('a service that is down is not waited for, and comes back with the change', async () => {
  await system.kill('backend');
  const applied = await control.applyPolicy(withoutOrders(), (await control.policy()).revision);
  await system.restart('backend');
  assert.equal(await orders(), 403);
  await control.undoPolicy(applied.revision);
  assert.equal(await orders(), 200);
});
