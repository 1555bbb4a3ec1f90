import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHops, type Hop, parseHops } from './hops.ts';

const hop: Hop = {
  from: 'spiffe://example.org/a',
  to: 'spiffe://example.org/b',
  transport: 'grpc',
  operation: 'GET /é🍵',
};

test('hops survive a header, which holds ASCII alone', () => {
  const text = encodeHops([hop, hop]);
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.deepEqual(parseHops(text), [hop, hop]);
});

for (const text of [undefined, '', 'x', '{}', 'null', '[1, null, "x", {"from": 1}]', `[${'1,'.repeat(9000)}1]`]) {
  test(`${String(text).slice(0, 20)} gives no hops`, () => assert.deepEqual(parseHops(text), []));
}
