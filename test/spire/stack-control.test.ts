/**
 * The stack's control where only SPIRE has something to say: the console runs as a user of its own, who commands everything
 * and is nobody; and whoever has `spire-server` may change entries beside it. The rest is in
 * `test/integration/stack-control.test.ts`, which runs on SPIRE, too.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStackControl, type SpireSystem, type StackControlServer } from '@countersign/local-stack';
import { createStackControlClient, type StackControl } from '@countersign/local-stack/control';
import { startTestSpireSystem } from './spire-system.ts';

const asOther = fileURLToPath(new URL('./control-as-other.ts', import.meta.url));
let system: SpireSystem;
let server: StackControlServer;
let control: StackControl;

before(async () => {
  system = await startTestSpireSystem();
  server = await openStackControl(system, process.env, assert.ifError);
  control = createStackControlClient(server.path);
});

after(async () => {
  await server?.close();
  await system?.stop();
});

/** What a program of another user is told by the control, and by the agent. */
async function askAs(account: { readonly uid: number; readonly gid: number }): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [asOther, server.path, system.spire.socket], {
    ...account,
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) text += String(chunk);
  await closed;
  return JSON.parse(text);
}

test("the console's user commands the system, and is nobody in it; a service's user does not", async () => {
  const console = system.accountOf('console');
  assert.ok(console && console.uid !== 0, 'it is not root');
  const uids = system.identities.names().map((name) => system.accountOf(name)?.uid);
  assert.ok(!uids.includes(console.uid), 'it is no workload');
  assert.deepEqual(await askAs(console), { control: 'spire', svid: 'SOURCE_TIMEOUT' });
  const customer = system.accountOf('customer');
  assert.ok(customer);
  assert.deepEqual(await askAs(customer), {
    control: 'NOT_RUNNING',
    svid: system.identities.workload('customer').spiffeId,
  });
});

test('an entry that an operator deleted is seen, is in nobody’s way, and comes back', async () => {
  const withoutIdentity = async () =>
    (await control.describe()).workloads.filter((workload) => !workload.registered).map(({ name }) => name);
  assert.deepEqual(await withoutIdentity(), []);
  await system.spire.deleteEntry('auditor');
  assert.deepEqual(await withoutIdentity(), ['auditor']);
  await assert.rejects(control.rotate('auditor'), { code: 'WORKLOAD_WITHOUT_IDENTITY' });
  await control.rotate();
  await control.give('auditor');
  assert.deepEqual(await withoutIdentity(), []);
  assert.equal((await control.certificate('auditor')).spiffeId, system.identities.workload('auditor').spiffeId);
});
