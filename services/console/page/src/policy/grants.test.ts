import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Grant, readGrants, rowsOf, sayTerms, withGrant, withoutGrant } from './grants.ts';

const write = (tree: object) => `${JSON.stringify(tree, null, 2)}\n`;
const B = 'spiffe://d/b';
const D = 'spiffe://d/d';
const A = 'spiffe://d/a';
const C = 'spiffe://d/c';
const text = write({
  [B]: { [A]: { 'GET /x': { mask: ['who'] } }, [C]: { 'GET /x': {}, 'POST /x': {} } },
  [D]: { [B]: { '/s/M': { origins: { [A]: { mask: ['who'] }, [C]: {} } } } },
});
const grants = (source: string): readonly Grant[] => {
  const read = readGrants(source);
  assert.ok(read);
  return read;
};
const find = (operation: string, peer: string): Grant => {
  const grant = grants(text).find((each) => each.operation === operation && each.peer === peer);
  assert.ok(grant);
  return grant;
};

test('a text is read as rows', () => {
  assert.deepEqual(
    grants(text).map(({ self, peer, operation }) => [self, peer, operation]),
    [
      [B, A, 'GET /x'],
      [B, C, 'GET /x'],
      [B, C, 'POST /x'],
      [D, B, '/s/M'],
    ],
  );
});

for (const [name, broken] of [
  ['no JSON', '{'],
  ['a list', '[]'],
  ['null', 'null'],
  ['a peer that is no object', write({ [B]: { [C]: [] } })],
  ['a grant that is no object', write({ [B]: { [C]: { 'GET /x': true } } })],
] as const) {
  test(`no rows from ${name}, and a switch leaves it as it is`, () => {
    assert.equal(readGrants(broken), undefined);
    assert.equal(withGrant(broken, find('GET /x', A)), broken);
    assert.equal(withoutGrant(broken, find('GET /x', A)), broken);
  });
}

test('one grant out and back in is the same text', () => {
  for (const grant of grants(text)) {
    const without = withoutGrant(text, grant);
    assert.equal(grants(without).length, 3);
    assert.equal(withGrant(without, grant), text);
  }
});

test('a peer without an operation is taken out, as is a service without a peer', () => {
  assert.deepEqual(Object.keys(JSON.parse(withoutGrant(text, find('GET /x', A)))[B]), [C]);
  assert.deepEqual(Object.keys(JSON.parse(withoutGrant(text, find('/s/M', B)))), [B]);
  assert.equal(withoutGrant(write({ [B]: { [C]: { 'GET /x': {} } } }), find('GET /x', C)), '{}\n');
});

test('what is not there is taken out of nothing', () => {
  assert.equal(withoutGrant(text, { self: 'x', peer: 'y', operation: 'z', terms: {} }), text);
});

test('a key that objects inherit is a key like any other', () => {
  const odd: Grant = { self: B, peer: C, operation: '__proto__', terms: {} };
  assert.equal(withoutGrant(text, odd), text);
});

test('rows say what the text changes', () => {
  const removed = find('POST /x', C);
  const draft = withGrant(withoutGrant(text, removed), { self: D, peer: C, operation: '/s/N', terms: {} });
  const altered = draft.replace('"who"', '"whom"');
  const rows = rowsOf(grants(text), grants(altered), []);
  assert.deepEqual(
    rows.map(({ operation, peer, granted, change }) => [operation, peer, granted, change]),
    [
      ['GET /x', A, true, 'altered'],
      ['GET /x', C, true, 'none'],
      ['POST /x', C, false, 'removed'],
      ['/s/M', B, true, 'none'],
      ['/s/N', C, true, 'added'],
    ],
  );
});

test('what was removed and applied can still be restored', () => {
  const removed = find('POST /x', C);
  const applied = grants(withoutGrant(text, removed));
  const row = rowsOf(applied, applied, [removed]).find(({ operation }) => operation === 'POST /x');
  assert.equal(row?.granted, false);
  assert.equal(row?.change, 'none');
});

test('terms are said in words', () => {
  const name = (id: string) => id.slice(-1);
  assert.equal(sayTerms({}, name), '');
  assert.equal(sayTerms({ mask: ['customer'] }, name), 'hides customer');
  assert.equal(sayTerms(find('/s/M', B).terms, name), 'on behalf of a (hides who), c');
});
