import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Order } from '../../../src/wire/actions.ts';
import { announcement, CAP, NO_ORDERS, withArrived, withHolding } from './order-list.ts';

const order = (id: string): Order => ({
  id,
  item: 'tea',
  quantity: 1,
  customer: 'Ada',
  status: 'placed',
  created_at: '2026-01-01T00:00:00Z',
  created_by: 'spiffe://d/customer',
});
const orders = (from: number, count: number) => Array.from({ length: count }, (_, index) => order(`${from + index}`));
const ids = (list: readonly Order[]) => list.map(({ id }) => id);

test('the newest is first', () => {
  const list = withArrived(withArrived(NO_ORDERS, [order('1'), order('2')]), [order('3')]);
  assert.deepEqual(ids(list.shown), ['3', '2', '1']);
  assert.equal(list.total, 3);
});

test('an order that comes again after a reconnect is there once', () => {
  const list = withArrived(withArrived(NO_ORDERS, [order('1'), order('1')]), [order('1'), order('2')]);
  assert.deepEqual(ids(list.shown), ['2', '1']);
  assert.equal(list.total, 2);
  assert.equal(withArrived(list, [order('2')]), list);
});

test('rows are bounded, the count is not', () => {
  const list = withArrived(withArrived(NO_ORDERS, orders(0, CAP)), orders(CAP, 5));
  assert.equal(list.shown.length, CAP);
  assert.equal(list.shown[0]?.id, `${CAP + 4}`);
  assert.equal(list.total, CAP + 5);
});

test('while somebody reads nothing moves, and what came is there afterwards', () => {
  const before = withArrived(NO_ORDERS, [order('1')]);
  const reading = withArrived(withHolding(before, true), [order('2'), order('3')]);
  assert.deepEqual(ids(reading.shown), ['1']);
  assert.deepEqual(ids(reading.held), ['3', '2']);
  const after = withHolding(reading, false);
  assert.deepEqual(ids(after.shown), ['3', '2', '1']);
  assert.deepEqual(after.held, []);
  assert.equal(withHolding(after, false), after);
});

test('what is held is bounded, too', () => {
  const reading = withArrived(withHolding(NO_ORDERS, true), orders(0, 3 * CAP));
  assert.equal(reading.held.length, CAP);
  assert.equal(withHolding(reading, false).shown.length, CAP);
});

test('what was held is known when it comes again', () => {
  const reading = withArrived(withHolding(NO_ORDERS, true), [order('1')]);
  assert.equal(withArrived(reading, [order('1')]).total, 1);
});

test('an announcement counts', () => {
  assert.equal(announcement(3, 3), '');
  assert.equal(announcement(4, 3), 'One new order.');
  assert.equal(announcement(53, 3), '50 new orders.');
});
