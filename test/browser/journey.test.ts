/**
 * The golden journey, as somebody does it who opens the page: place an order and see its way, break in and be refused, rotate
 * while orders flow, take a grant away and give it back.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Lab, type OpenConsole, startLab } from './lab.ts';
import { FAILED_REQUEST } from './watched-page.ts';

const GRANT = 'customer may use POST /orders of backend';
let lab: Lab;
let view: OpenConsole;

before(async () => {
  // Rotated by hand alone: nothing else changes serials meanwhile.
  lab = await startLab({ svidTtlMs: 3_600_000 });
  view = await lab.open();
});
after(() => lab?.close());

for (const [via, transport] of [
  ['HTTP', 'HTTPS'],
  ['gRPC', 'gRPC'],
] as const) {
  test(`an order by ${via} is seen on its way to PostgreSQL`, async () => {
    const hops = await view.placeOrder({ item: `tea by ${via}`, via });
    const texts = await hops.getByRole('listitem').allTextContents();
    for (const [index, part] of ['customer', 'backend', 'db-client', 'PostgreSQL'].entries())
      assert.match(texts[index] ?? '', new RegExp(part), texts.join('\n'));
    assert.match(texts[1] ?? '', new RegExp(`^${transport}.*allowed`));
    for (const [from, to] of [
      ['customer', 'backend'],
      ['backend', 'db-client'],
      ['db-client', 'postgres'],
    ] as const)
      await view.edge(from, to, 'allow').waitFor();
    const orders = await view.tab('Orders');
    await orders
      .getByRole('table', { name: 'Orders' })
      .getByRole('rowheader', { name: `tea by ${via}` })
      .waitFor();
    view.assertClean();
  });
}

test('a stranger is refused, and the page says why', async () => {
  const attacks = await view.tab('Attack lab');
  await attacks.getByRole('searchbox', { name: 'Search' }).fill('rogue');
  const [attack] = await attacks.locator('[data-attack^="rogue-backend-https"]').all();
  assert.ok(attack, 'the lab has no attack of rogue on backend');
  await attack.getByRole('button', { name: /^Run/ }).click();
  await attack.and(attacks.locator('[data-verdict="refused"]')).waitFor();
  await view.edge('rogue', 'backend', 'refused').waitFor();
  const refusal = view.refusals.getByRole('listitem').filter({ hasText: 'PEER_NOT_AUTHORIZED' }).first();
  await refusal.waitFor();
  const said = (await refusal.textContent()) ?? '';
  assert.match(said, /expected.*a peer that a grant names/);
  assert.ok(said.includes(lab.system.identities.workload('rogue').spiffeId), said);
  view.assertClean();
});

test('every certificate changes while orders flow, and none of them fails', async () => {
  await view.setLoad(5);
  const names = ['customer', 'backend', 'db-client'] as const;
  const serials = await Promise.all(names.map((name) => view.serial(name)));
  const identities = await view.tab('Identities');
  await identities.getByRole('button', { name: 'Rotate all' }).click();
  const next = await Promise.all(names.map((name, index) => view.nextSerial(name, serials[index] ?? '')));
  assert.equal(new Set([...serials, ...next]).size, 6);
  await view.untilSent((await view.load()).sent + 25);
  assert.equal((await view.load()).failed, 0);
  await view.setLoad(0);
  view.assertClean();
});

test('a new CA takes the place of the old one while orders flow, and none of them fails', async () => {
  await view.setLoad(5);
  const serial = await view.serial('backend');
  const identities = await view.tab('Identities');
  await identities.getByRole('button', { name: 'Roll CA' }).click();
  await view.page.getByRole('alertdialog').getByRole('button', { name: 'Roll CA' }).click();
  await view.nextSerial('backend', serial);
  // The button is busy until the old CA has left everybody's bundle.
  await identities.getByText(/(\d+) of \1 workloads with a new certificate\.$/).waitFor({ timeout: 60_000 });
  await view.untilSent((await view.load()).sent + 25);
  assert.equal((await view.load()).failed, 0);
  await view.setLoad(0);
  view.assertClean();
});

test('a grant is taken away: what would change is seen first, then orders are refused, until it is undone', async () => {
  await view.placeOrder({ item: 'before', via: 'HTTP' });
  const policy = await view.tab('Policy');
  await policy.getByRole('switch', { name: GRANT }).press('Space');
  const changes = policy.getByRole('table', { name: 'Decisions that would change' });
  await changes.getByRole('row').filter({ hasText: 'POST /orders' }).filter({ hasText: 'denied' }).waitFor();
  await view.placeOrder({ item: 'not applied yet', via: 'HTTP' });

  await view.tab('Policy');
  await policy.getByRole('button', { name: 'Apply' }).click();
  await view.page.getByRole('alertdialog').getByRole('button', { name: 'Apply' }).click();
  await policy.getByRole('status', { name: 'Validity' }).filter({ hasText: '1 change applied' }).waitFor();
  view.expectErrors(FAILED_REQUEST);
  const refused = await view.tryOrder({ item: 'refused', via: 'HTTP' });
  await refused.filter({ hasText: 'HTTP 403' }).waitFor();
  await view.edge('customer', 'backend', 'deny').waitFor();

  await view.tab('Policy');
  await policy.getByRole('button', { name: 'Undo' }).click();
  await policy.getByRole('status', { name: 'Validity' }).filter({ hasText: 'as generated' }).waitFor();
  await view.placeOrder({ item: 'after', via: 'HTTP' });
  view.assertClean();
});
