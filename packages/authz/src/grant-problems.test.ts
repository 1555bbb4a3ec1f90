import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findGrantProblems } from './grant-problems.ts';
import { parseGrants } from './policy-document.ts';

const self = 'spiffe://example.org/callee';
const peer = 'spiffe://example.org/caller';
const within = (grant: unknown) => ({ [self]: { [peer]: { 'GET /things': grant } } });
const place = '/spiffe:~1~1example.org~1callee/spiffe:~1~1example.org~1caller';

const refused: [name: string, grants: unknown, at: string, message: RegExp][] = [
  ['no object', [], '', /must be object/],
  ['a service that is no SPIFFE ID', { callee: {} }, '/callee', /must be a SPIFFE ID, got "callee"/],
  ['a peer that is no SPIFFE ID', { [self]: { '~/': {} } }, '/spiffe:~1~1example.org~1callee/~0~1', /a SPIFFE ID/],
  ['no operation', { [self]: { [peer]: { GET: {} } } }, `${place}/GET`, /must be an operation.*got "GET"/],
  ['a grant that is none', within(true), `${place}/GET ~1things`, /must be object/],
  ['a part that is misspelt', within({ masks: ['a'] }), `${place}/GET ~1things/masks`, /called "masks"/],
  ['a mask of nothing', within({ mask: [] }), `${place}/GET ~1things/mask`, /fewer than 1/],
  ['no origin', within({ origins: {} }), `${place}/GET ~1things/origins`, /fewer than 1/],
  ['__proto__', JSON.parse('{"__proto__":{}}'), '/__proto__', /got "__proto__"/],
];
for (const [name, grants, at, message] of refused) {
  test(`refused as by the loader: ${name}`, () => {
    const [problem, ...others] = findGrantProblems(grants);
    assert.equal(problem?.at, at);
    assert.match(problem?.message ?? '', message);
    assert.deepEqual(others, []);
    assert.throws(() => parseGrants(grants), { code: 'BUNDLE_INVALID' });
  });
}

test('all of them are told', () => {
  const found = findGrantProblems({ callee: {}, [self]: { [peer]: { 'GET /things': { masks: [], mask: [] } } } });
  assert.deepEqual(found.map(({ at }) => at).sort(), [
    '/callee',
    `${place}/GET ~1things/mask`,
    `${place}/GET ~1things/masks`,
  ]);
});

test('what the loader takes has none', () => {
  const grants = within({ mask: ['customer'], origins: { [peer]: {} } });
  assert.deepEqual(findGrantProblems(grants), []);
  assert.deepEqual(parseGrants(grants), grants);
});
