import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortOperation } from './operation.ts';

for (const [operation, short] of [
  ['/acme.orders.v1.OrderService/CreateOrder', 'OrderService/CreateOrder'],
  ['/Echo/Say', 'Echo/Say'],
  ['GET /orders/{id}', 'GET /orders/{id}'],
  ['/a/b/c', '/a/b/c'],
  ['', ''],
] as const) {
  test(`"${operation}" is "${short}"`, () => assert.equal(shortOperation(operation), short));
}
