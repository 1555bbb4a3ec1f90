/**
 * The strict JSON reader beside `JSON.parse`: it agrees wherever the document is unambiguous.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { parseStrictJson } from './strict-json.ts';

class Refused extends Error {}
const parse = (text: string) => parseStrictJson(text, (rule, got) => new Refused(`${rule}, got ${got}`));

test('reads what JSON.parse reads', () => {
  const property = fc.property(fc.json({ maxDepth: 8 }), (text) => {
    assert.equal(JSON.stringify(parse(text)), JSON.stringify(JSON.parse(text)));
  });
  fc.assert(property, propertyRuns(500));
});

test('refuses what JSON.parse refuses', () => {
  const property = fc.property(
    fc.string({ unit: fc.constantFrom(...'{}[]":,0123-+.eE\\untrfalse \n\t\u0001'.split('')) }),
    (text) => {
      let known = true;
      try {
        JSON.parse(text);
      } catch {
        known = false;
      }
      if (known) parse(text);
      else assert.throws(() => parse(text), Refused);
    },
  );
  fc.assert(property, propertyRuns(2000));
});

test('L73 refuses a name that stands twice in one object, also when it is written with escapes', () => {
  for (const text of [
    '{"a":1,"a":1}',
    '{"x":{"b":1,"c":2,"b":3}}',
    '{"a":1,"\\u0061":2}',
    '{"__proto__":1,"__proto__":2}',
  ]) {
    assert.throws(() => parse(text), /twice/);
  }
  assert.deepEqual(JSON.stringify(parse('{"a":{"a":1},"b":{"a":1}}')), '{"a":{"a":1},"b":{"a":1}}');
});

test('__proto__ is a name like any other', () => {
  const value = parse('{"__proto__":{"admin":true}}');
  assert.deepEqual(Object.keys(value as object), ['__proto__']);
  assert.equal(Reflect.get(value as object, 'admin'), undefined);
});

test('L71 integers beyond 2^53 are exact where that is asked for', () => {
  const exact = (text: string) => parseStrictJson(text, (rule) => new Refused(rule), { bigIntegers: true });
  assert.equal(exact('18446744073709551615'), 18_446_744_073_709_551_615n);
  assert.equal(exact('9007199254740991'), 9_007_199_254_740_991);
  assert.equal(parse('18446744073709551615'), 2 ** 64);
  assert.equal(parse('9007199254740991'), 9_007_199_254_740_991);
  assert.throws(() => parse('1'.repeat(65)), /64 digits/);
});

test('T16 depth and length are bounded, and long texts are read in no time', () => {
  assert.throws(() => parse('['.repeat(100_000)), /16 levels/);
  assert.equal(parse(`"${'\\n'.repeat(500_000)}"`), '\n'.repeat(500_000));
  // A pattern that reads a whole text overflows its stack at some millions of escapes: a RangeError, which is no refusal.
  assert.equal(parse(`"${'\\n'.repeat(8_000_000)}"`), '\n'.repeat(8_000_000));
  assert.throws(() => parse(`"${'\\"'.repeat(8_000_000)}`), Refused);
  assert.throws(() => parse(`"${'a'.repeat(1_000_000)}`), Refused);
  assert.throws(() => parse(' '.repeat(1_000_000)), Refused);
});
