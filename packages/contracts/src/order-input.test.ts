import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIdempotencyKey, checkOrderInput, parseOrderInput } from './order-input.ts';

const good = { item: 'tea', quantity: 2, customer: 'Ada' };

const refused: Array<[string, unknown, string]> = [
  ['null', null, ''],
  ['an array', [good], ''],
  ['a string', 'tea', ''],
  ['an unknown field', { ...good, price: 1 }, 'price'],
  [
    '__proto__ as a field of its own',
    JSON.parse('{"__proto__":{},"item":"tea","quantity":1,"customer":"Ada"}'),
    '__proto__',
  ],
  ['no item', { quantity: 2, customer: 'Ada' }, 'item'],
  ['an item that is a number', { ...good, item: 3 }, 'item'],
  ['an empty item', { ...good, item: '' }, 'item'],
  ['an item of spaces', { ...good, item: '   ' }, 'item'],
  ['an item with a line feed', { ...good, item: 'te\na' }, 'item'],
  ['an item with NUL', { ...good, item: 'te\0a' }, 'item'],
  ['an item with a right-to-left override', { ...good, item: 'te\u202ea' }, 'item'],
  ['an item with half a surrogate pair', { ...good, item: 'te\ud83da' }, 'item'],
  ['an item of 201 characters', { ...good, item: 'x'.repeat(201) }, 'item'],
  ['an item of 201 emoji', { ...good, item: '🍵'.repeat(201) }, 'item'],
  ['an item of a million characters', { ...good, item: 'x'.repeat(1_000_000) }, 'item'],
  ['no quantity', { item: 'tea', customer: 'Ada' }, 'quantity'],
  ['a quantity in quotes', { ...good, quantity: '2' }, 'quantity'],
  ['quantity 0', { ...good, quantity: 0 }, 'quantity'],
  ['quantity -1', { ...good, quantity: -1 }, 'quantity'],
  ['quantity 1.5', { ...good, quantity: 1.5 }, 'quantity'],
  ['quantity 1001', { ...good, quantity: 1001 }, 'quantity'],
  ['quantity NaN', { ...good, quantity: Number.NaN }, 'quantity'],
  ['quantity null', { ...good, quantity: null }, 'quantity'],
  ['no customer', { item: 'tea', quantity: 2 }, 'customer'],
  ['an empty customer', { ...good, customer: '' }, 'customer'],
  ['a customer of 201 characters', { ...good, customer: 'x'.repeat(201) }, 'customer'],
];

for (const [name, document, field] of refused) {
  test(`${name} is refused, and the field is named`, () => {
    const result = parseOrderInput(document);
    assert.ok('field' in result, 'it was accepted');
    assert.equal(result.field, field);
  });
}

const accepted: Array<[string, typeof good]> = [
  ['the smallest order', { item: 'x', quantity: 1, customer: 'y' }],
  ['the largest order', { item: 'x'.repeat(200), quantity: 1000, customer: 'y'.repeat(200) }],
  ['200 emoji', { ...good, item: '🍵'.repeat(200) }],
  ['an emoji of several joined', { ...good, item: '👩‍🚀' }],
  ['any script', { ...good, item: 'お茶', customer: 'Зоя' }],
];

for (const [name, document] of accepted) {
  test(`${name} is accepted as it is`, () => assert.deepEqual(parseOrderInput(document), document));
}

test('fields that the caller reads itself are not unknown', () => {
  assert.deepEqual(parseOrderInput({ ...good, via: 'grpc' }, ['via']), good);
});

const keys: Array<[string, string, boolean]> = [
  ['a UUID', '0198f6c2-7d55-7c1e-9d6a-1f2e3d4c5b6a', true],
  ['128 characters', 'k'.repeat(128), true],
  ['129 characters', 'k'.repeat(129), false],
  ['nothing', '', false],
  ['a space', 'a b', false],
  ['a letter outside ASCII', 'ключ', false],
];

for (const [name, key, fits] of keys) {
  test(`an idempotency key of ${name} is ${fits ? 'accepted' : 'refused'}`, () => {
    assert.equal(checkIdempotencyKey(key)?.field, fits ? undefined : 'idempotency-key');
  });
}

test('over gRPC an empty key means none, and a bad one is refused', () => {
  assert.equal(checkOrderInput(good, ''), undefined);
  assert.equal(checkOrderInput(good, 'a b')?.field, 'idempotency-key');
});
