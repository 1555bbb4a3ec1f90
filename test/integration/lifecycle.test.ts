/**
 * Parts that go and come back: a restart, a kill, an identity withdrawn and given again. Orders survive; readiness tells.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeStateDirectory, type SystemOptions } from '@countersign/local-stack';
import { call } from './json-client.ts';
import { type SystemAnywhere, startTestSystemAnywhere, temporaryStateDirectory } from './test-system.ts';

const order = { item: 'tea', quantity: 1, customer: 'Ada' };

async function placeOrder(system: SystemAnywhere, via: string): Promise<string> {
  const answer = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via } });
  assert.equal(answer.status, 201, answer.text);
  const placed = answer.body?.['order'] as { id: string };
  return placed.id;
}

/** Orders work again after a restart: at once on a quiet machine, and within 15 s on any. */
async function untilServed(system: SystemAnywhere, via: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const answer = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via } });
    if (answer.status === 201) return;
    assert.ok(
      [502, 503, 504].includes(answer.status) && Date.now() < deadline,
      `${via}: ${answer.status} ${answer.text}`,
    );
  }
}

async function isThere(system: SystemAnywhere, id: string): Promise<boolean> {
  return (await call(`${system.customerUrl}/api/orders/${id}`)).status === 200;
}

/** Runs `action` beside a system, which is stopped however it ends. */
async function withSystem<T>(
  options: Partial<SystemOptions>,
  action: (system: SystemAnywhere) => Promise<T>,
): Promise<T> {
  await using system = await startTestSystemAnywhere(options);
  return await action(system);
}

test('orders survive a stop, and a kill of every process', async () => {
  const stateDirectory = temporaryStateDirectory();
  try {
    const first = await withSystem({ stateDirectory }, (system) => placeOrder(system, 'http'));
    const second = await withSystem({ stateDirectory }, async (system) => {
      assert.ok(await isThere(system, first), 'after a stop');
      const placed = await placeOrder(system, 'grpc');
      system.killAll();
      return placed;
    });
    await withSystem({ stateDirectory }, async (system) => {
      assert.ok(await isThere(system, first));
      assert.ok(await isThere(system, second), 'after a kill');
    });
  } finally {
    removeStateDirectory(stateDirectory);
  }
});

test('each part may be restarted or killed; the others carry on and orders work again', () =>
  withSystem({}, async (system) => {
    for (const part of ['db-client', 'backend', 'customer', 'trust-domain', 'postgres'] as const) {
      await system.restart(part);
      await untilServed(system, 'http');
      await untilServed(system, 'grpc');
    }
    await system.kill('backend');
    const during = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via: 'grpc' } });
    assert.ok([502, 503, 504].includes(during.status), `${during.status} ${during.text}`);
    await system.restart('backend');
    await untilServed(system, 'http');
    await untilServed(system, 'grpc');
  }));

test('an identity that is withdrawn is used no more, and a new one makes the service ready again', () =>
  withSystem({}, async (system) => {
    await placeOrder(system, 'grpc');
    const withdrawn = nextEvent(system, 'not_ready');
    await system.control.withdraw('backend');
    await withdrawn;
    assert.equal((await call(`http://${system.addresses.backend.health}/readyz`)).status, 503);
    for (const via of ['http', 'grpc']) {
      const refused = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via } });
      assert.ok([502, 503, 504].includes(refused.status), `${refused.status} ${refused.text}`);
    }
    const readyAgain = nextEvent(system, 'ready');
    await system.control.give('backend');
    await readyAgain;
    assert.equal((await call(`http://${system.addresses.backend.health}/readyz`)).status, 200);
    await placeOrder(system, 'http');
    await placeOrder(system, 'grpc');
  }));

/** The backend's next log record of this event; earlier ones do not count. */
function nextEvent(system: SystemAnywhere, event: string): Promise<unknown> {
  const earlier = new Set(system.findLogs('backend', (record) => record['event'] === event));
  return system.waitForLog('backend', (record) => record['event'] === event && !earlier.has(record), 20_000);
}
