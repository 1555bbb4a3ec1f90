/**
 * What the page shows is what the services' logs and spans say: one order, one refusal and one rotation, compared. The spans
 * are those that the console received and passed on.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { LogRecord } from '@countersign/local-stack';
import { type OtlpReceiver, startOtlpReceiver } from '../integration/otlp-receiver.ts';
import { type Lab, type OpenConsole, startLab } from './lab.ts';

let receiver: OtlpReceiver;
let lab: Lab;
let view: OpenConsole;

before(async () => {
  receiver = await startOtlpReceiver();
  lab = await startLab({ svidTtlMs: 3_600_000, env: receiver.env });
  view = await lab.open();
});
after(async () => {
  await lab?.close();
  await receiver?.close();
});

test('an order: its hops are the decisions of the logs, and its trace the spans that were sent', async () => {
  const placed = view.page.waitForResponse((response) => new URL(response.url()).pathname === '/api/orders');
  const hops = await view.placeOrder({ item: 'true tea', via: 'HTTP' });
  const answer: { trace_id: string; hops: readonly { decision_id: string; to: string }[] } = await (
    await placed
  ).json();

  for (const program of ['backend', 'db-client'] as const) {
    const id = lab.system.identities.workload(program).spiffeId;
    const hop = answer.hops.find(({ to }) => to === id);
    assert.ok(hop, `no hop to ${program}`);
    const isIt = (record: LogRecord) => record['event'] === 'decision' && record['decision_id'] === hop.decision_id;
    const record = await lab.system.waitForLog(program, isIt);
    assert.equal(record['trace_id'], answer.trace_id);
    assert.match(JSON.stringify(record['result']), /"allow":true/);
  }
  const shown = (await hops.getByRole('listitem').allTextContents()).join('\n');
  const roles = lab.system.identities.workload('db-client').postgresRole ?? '';
  assert.ok(roles !== '' && shown.includes(roles), shown);

  const spans = () => receiver.spans.filter(({ traceId }) => traceId === answer.trace_id);
  await receiver.waitFor(
    () => ['customer', 'backend', 'db-client'].every((name) => spans().some(({ service }) => service === name)),
    20_000,
  );
  const orders = await view.tab('Orders');
  await orders.getByRole('button', { name: 'See trace' }).click();
  const trace = view.page.getByRole('tabpanel', { name: 'Inspect' });
  await trace.getByText(answer.trace_id).first().waitFor();
  const shownSpans = trace.getByRole('listbox', { name: 'Spans' }).getByRole('option');
  for (const { service, name } of spans())
    await shownSpans
      .and(view.page.getByLabel(`${service}, ${name},`))
      .first()
      .waitFor();
  assert.equal(await shownSpans.count(), spans().length);
  view.assertClean();
});

test('a refusal: code, expected, got and remedy are those of the line that the service wrote', async () => {
  const attacks = await view.tab('Attack lab');
  await attacks.getByRole('searchbox', { name: 'Search' }).fill('rogue');
  await attacks.locator('[data-attack^="rogue-backend-https"]').getByRole('button', { name: /^Run/ }).click();
  const refused = ({ event, code }: LogRecord) => event === 'refused' && code === 'PEER_NOT_AUTHORIZED';
  const record = await lab.system.waitForLog('backend', refused);
  const item = view.refusals.getByRole('listitem').filter({ hasText: 'PEER_NOT_AUTHORIZED' }).first();
  await item.waitFor();
  const shown = (await item.textContent()) ?? '';
  for (const field of ['code', 'expected', 'got', 'remedy']) {
    const value = record[field];
    assert.ok(typeof value === 'string' && value !== '', `backend logged no ${field}`);
    // Back-ticks are set as code.
    assert.ok(shown.includes(value.replaceAll('`', '')), `${field} "${value}" is not in: ${shown}`);
  }
  const sent = () => receiver.logs.filter(({ event, service }) => event === 'refused' && service === 'backend');
  await receiver.waitFor(() => sent().some(({ attributes }) => attributes['code'] === record['code']), 20_000);
  view.assertClean();
});

test('a rotation: the serial on the map is the one that the service logged, and the one of its certificate', async () => {
  const before = await view.serial('backend');
  const isNew = ({ event, serialNumber }: LogRecord) => event === 'identity' && serialNumber !== before;
  const identities = await view.tab('Identities');
  const known = lab.system.findLogs('backend', isNew);
  assert.deepEqual(known, []);
  const backend = identities.getByRole('group', { name: 'backend', exact: true });
  await backend.getByRole('button', { name: 'Rotate' }).click();
  const { serialNumber } = await lab.system.waitForLog('backend', isNew);
  assert.equal(await view.nextSerial('backend', before), serialNumber);
  const certificate = view.page.waitForResponse((response) =>
    response.url().endsWith('/workloads/backend/certificate'),
  );
  await view.workload('backend').click();
  const { chain }: { chain: readonly { serial: string }[] } = await (await certificate).json();
  assert.equal(chain[0]?.serial, serialNumber);
  await view.page.getByRole('tabpanel', { name: 'Inspect' }).getByText(String(serialNumber)).first().waitFor();
  view.assertClean();
});
