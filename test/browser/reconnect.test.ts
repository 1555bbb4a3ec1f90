/**
 * Whatever is killed returns, and the page follows: it says what is gone while it is gone, and is live again without being
 * loaded anew.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Lab, type OpenConsole, startLab } from './lab.ts';
import { FAILED_REQUEST } from './watched-page.ts';

let lab: Lab;
let view: OpenConsole;

before(async () => {
  lab = await startLab();
  view = await lab.open();
  await view.placeOrder({ item: 'before', via: 'HTTP' });
});
after(() => lab?.close());

for (const service of ['customer', 'backend', 'db-client'] as const) {
  test(`${service} is killed, shown as silent, and shown as ready when it is back`, async () => {
    await view.workload(service, /ready/).waitFor();
    await lab.system.kill(service);
    await view.workload(service, /silent/).waitFor();
    await lab.system.restart(service);
    await view.workload(service, /ready/).waitFor();
    await view.placeOrder({ item: `after ${service}`, via: 'gRPC' });
  });
}

test('the console is killed: the page says that it is cut off, and is live again when it is back', async () => {
  view.expectErrors(FAILED_REQUEST);
  await view.page.evaluate('globalThis.loadedOnce = true');
  await lab.system.kill('console');
  await view.untilDisconnected();
  await lab.system.restart('console');
  await view.untilLive();
  await view.workload('backend', /ready/).waitFor();
  // A new token: what changes state works without loading the page anew.
  await view.placeOrder({ item: 'after console', via: 'HTTP' });
  assert.equal(await view.page.evaluate('globalThis.loadedOnce'), true);
  view.assertClean();
});

test('an identity that is withdrawn is shown as such, and its return, too', async () => {
  const identities = await view.tab('Identities');
  const customer = identities.getByRole('group', { name: 'customer', exact: true });
  await customer.getByRole('button', { name: 'Withdraw' }).click();
  await view.page.getByRole('alertdialog').getByRole('button', { name: 'Withdraw', exact: true }).click();
  await view.workload('customer', /no identity/).waitFor();
  await customer.getByRole('button', { name: 'Register again' }).click();
  await view.workload('customer', /ready/).waitFor();
  await view.placeOrder({ item: 'after withdrawal', via: 'HTTP' });
  view.assertClean();
});
