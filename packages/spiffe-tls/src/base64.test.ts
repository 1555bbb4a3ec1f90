/**
 * One text for some bytes, and no other.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64, decodeBase64Url } from './base64.ts';

test('L30 base64url has no padding, no other letters and no spare bits', () => {
  assert.deepEqual(decodeBase64Url('_-8'), Buffer.from([0xff, 0xef]));
  assert.deepEqual(decodeBase64Url(''), Buffer.alloc(0));
  for (const text of ['_-8=', '/+8', '_-9', 'A', '_-8\n', ' _-8', 'é'])
    assert.equal(decodeBase64Url(text), undefined, text);
});

test('L70 base64 has its padding, no other letters and no spare bits', () => {
  assert.deepEqual(decodeBase64('/+8='), Buffer.from([0xff, 0xef]));
  for (const text of ['/+8', '/+9=', '_-8=', 'A===', '/+8=\n', '/+8=='])
    assert.equal(decodeBase64(text), undefined, text);
});
