import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError, flag, list, number, object, oneOf, optional, recordOf, text } from './decode.ts';

interface Sample {
  readonly name: string;
  readonly size?: number;
  readonly tags: readonly string[];
}

const sample = object<Sample>({ name: text, size: optional(number), tags: list(text) });

test('a proper value is taken, what is not known is left out', () => {
  assert.deepEqual(sample({ name: 'a', size: 1, tags: ['x'], more: true }, ''), { name: 'a', size: 1, tags: ['x'] });
});

test('an optional field may be absent or null, and is absent then', () => {
  assert.deepEqual(Object.keys(sample({ name: 'a', tags: [] }, '')), ['name', 'tags']);
  assert.deepEqual(Object.keys(sample({ name: 'a', size: null, tags: [] }, '')), ['name', 'tags']);
});

test('an inherited field is none', () => {
  assert.throws(() => sample(Object.create({ name: 'a', tags: [] }), ''), /answer\/name: expected text, got nothing/);
});

const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
  ['no object', () => sample([], ''), /^DecodeError: answer: expected an object, got \[\]$/],
  ['null', () => sample(null, ''), /expected an object, got null/],
  ['a missing field', () => sample({ tags: [] }, ''), /answer\/name: expected text, got nothing/],
  ['a wrong optional field', () => sample({ name: 'a', size: '1', tags: [] }, ''), /answer\/size: expected a number/],
  ['a wrong item', () => sample({ name: 'a', tags: ['x', 2] }, ''), /answer\/tags\/1: expected text, got 2/],
  ['no list', () => sample({ name: 'a', tags: {} }, ''), /answer\/tags: expected a list/],
  ['infinity', () => number(Number.POSITIVE_INFINITY, ''), /expected a number/],
  ['a word of none', () => oneOf('a', 'b')('c', '/x'), /answer\/x: expected one of a, b, got "c"/],
  ['no flag', () => flag(1, ''), /expected true or false, got 1/],
  ['a wrong value in a record', () => recordOf(text)({ k: 1 }, ''), /answer\/k: expected text, got 1/],
];

for (const [name, decode, message] of refused) {
  test(`refused: ${name}`, () => {
    assert.throws(decode, (error: unknown) => error instanceof DecodeError && message.test(String(error)));
  });
}

test('a long value is cut in the message', () => {
  assert.throws(
    () => number('y'.repeat(500), ''),
    (error: unknown) => String(error).length < 140,
  );
});
