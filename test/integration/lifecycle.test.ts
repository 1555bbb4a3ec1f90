/**
 * Parts that go and come back: a restart, a kill, an identity withdrawn and given again. Orders survive; readiness tells.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { System } from '@countersign/local-stack';
import { removeStateDirectory } from '@countersign/local-stack';
import { call } from './json-client.ts';
import { startTestSystem, temporaryStateDirectory } from './test-system.ts';

const order = { item: 'tea', quantity: 1, customer: 'Ada' };

async function placeOrder(system: System, via: string): Promise<string> {
  const answer = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via } });
  assert.equal(answer.status, 201, answer.text);
  const placed = answer.body?.['order'] as { id: string };
  return placed.id;
}

async function isThere(system: System, id: string): Promise<boolean> {
  return (await call(`${system.customerUrl}/api/orders/${id}`)).status === 200;
}

test('orders survive a stop, and a kill of every process', async () => {
  const stateDirectory = temporaryStateDirectory();
  try {
    const first = await startTestSystem({ stateDirectory });
    const before = await placeOrder(first, 'http');
    await first.stop();

    const second = await startTestSystem({ stateDirectory });
    assert.ok(await isThere(second, before), 'after a stop');
    const later = await placeOrder(second, 'grpc');
    second.killAll();
    await second.stop();

    const third = await startTestSystem({ stateDirectory });
    try {
      assert.ok(await isThere(third, before));
      assert.ok(await isThere(third, later), 'after a kill');
    } finally {
      await third.stop();
    }
  } finally {
    removeStateDirectory(stateDirectory);
  }
});

test('each service may be restarted or killed; the others carry on and orders work again', async () => {
  const system = await startTestSystem();
  try {
    for (const part of ['db-client', 'backend', 'customer', 'trust-domain', 'postgres'] as const) {
      await system.restart(part);
      await placeOrder(system, 'http');
      await placeOrder(system, 'grpc');
    }
    await system.kill('backend');
    const during = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via: 'grpc' } });
    assert.ok([502, 503, 504].includes(during.status), `${during.status} ${during.text}`);
    await system.restart('backend');
    await placeOrder(system, 'http');
    await placeOrder(system, 'grpc');
  } finally {
    await system.stop();
  }
});

test('an identity that is withdrawn is used no more, and a new one makes the service ready again', async () => {
  const system = await startTestSystem();
  try {
    await placeOrder(system, 'grpc');
    await system.trustDomain.unregister('backend');
    await untilReadiness(system.addresses.backend.health, 503);
    for (const via of ['http', 'grpc']) {
      const refused = await call(`${system.customerUrl}/api/orders`, { body: { ...order, via } });
      assert.ok([502, 503, 504].includes(refused.status), `${refused.status} ${refused.text}`);
    }
    const again = system.identities.registrations().find(({ name }) => name === 'backend');
    assert.ok(again);
    await system.trustDomain.register(again);
    await untilReadiness(system.addresses.backend.health, 200);
    await placeOrder(system, 'http');
    await placeOrder(system, 'grpc');
  } finally {
    await system.stop();
  }
});

/** Asks a health port until it answers as expected, up to 20 s. */
async function untilReadiness(address: string, status: number): Promise<void> {
  const deadline = Date.now() + 20_000;
  let last = 0;
  while (Date.now() < deadline) {
    last = (await call(`http://${address}/readyz`)).status;
    if (last === status) return;
  }
  assert.fail(`readiness of ${address} is ${last}, expected ${status}`);
}
