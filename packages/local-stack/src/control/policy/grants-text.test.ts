import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { grantWarnings } from './grant-warnings.ts';
import { MAX_POLICY_BYTES, parseGrantsText } from './grants-text.ts';

describe('a text that is no JSON, or not one that anybody means', () => {
  const refused: [name: string, text: string, place: [line?: number, column?: number], message: RegExp][] = [
    ['nothing', '', [1, 1], /a value must come here/],
    ['a comma too many', '{\n  "a": {},\n}', [3, 1], /a name in double quotes/],
    ['a comma too few', '{ "a": {}\n  "b": {} }', [2, 3], /a comma must come before/],
    ['a colon too few', '{ "a" {} }', [1, 7], /a colon/],
    ['an open brace', '{ "a": {}', [1, 10], /closing brace/],
    ['a second document', '{} {}', [1, 4], /nothing may follow/],
    ['a comment', '// who\n{}', [1, 1], /no comments/],
    ['a word', '{ "a": yes }', [1, 8], /no JSON/],
    ['a byte order mark', '\ufeff{}', [1, 1], /no JSON/],
    ['a name without quotes', '{ a: 1 }', [1, 3], /no JSON/],
    ['a name given twice', '{ "a": {},\n  "a": {} }', [2, 3], /"a" is given twice/],
    ['a name given twice, written differently', '{ "a": {}, "\\u0061": {} }', [1, 12], /"a" is given twice/],
    ['a name given twice below a list', '[ { "x/y": 1, "x/y": 2 } ]', [1, 15], /given twice/],
    ['more levels than a stack has', '['.repeat(100_000) + ']'.repeat(100_000), [], /nested too deep/],
    ['too much', ' '.repeat(MAX_POLICY_BYTES + 1), [], /at most 262144 bytes, got 262145/],
  ];
  for (const [name, text, [line, column], message] of refused) {
    test(`is refused at its place: ${name}`, () => {
      const read = parseGrantsText(text);
      assert.ok('problems' in read);
      const [problem] = read.problems;
      assert.deepEqual([problem?.line, problem?.column], [line, column]);
      assert.match(problem?.message ?? '', message);
    });
  }

  test('the pointer of a name given twice', () => {
    const read = parseGrantsText('{ "a~": { "b/": 1, "b/": 2 } }');
    assert.ok('problems' in read);
    assert.equal(read.problems[0]?.at, '/a~0/b~1');
  });
});

test('a problem has the line and column of the name it is about', () => {
  const read = parseGrantsText('{\n  "a/b": {\n    "c": {}\n  }\n}');
  assert.ok('parsed' in read);
  const { value, problem } = read.parsed;
  assert.deepEqual(value, { 'a/b': { c: {} } });
  assert.deepEqual(problem('/a~1b/c', 'x'), { at: '/a~1b/c', line: 3, column: 5, message: 'x' });
  assert.deepEqual(problem('', 'x'), { at: '', message: 'x' });
  assert.deepEqual(problem('/nowhere', 'x'), { at: '/nowhere', message: 'x' });
});

describe('warnings', () => {
  const [known, stranger] = ['spiffe://example.org/known', 'spiffe://example.org/stranger'];
  const of = (grants: unknown) => grantWarnings(grants, new Set([known])).map(({ message }) => message);

  test('none for workloads that there are', () => {
    assert.deepEqual(of({ [known]: { [known]: { 'GET /': { origins: { [known]: {} } } } } }), []);
  });
  for (const [name, grants] of [
    ['a service', { [stranger]: {} }],
    ['a peer', { [known]: { [stranger]: { 'GET /': {} } } }],
    ['an origin', { [known]: { [known]: { 'GET /': { origins: { [stranger]: {} } } } } }],
  ] as const) {
    test(`for ${name} that nobody is`, () => assert.match(of(grants).join(), /^no workload[^,]*,[^,]*$/));
  }
  test('for a name that nobody can have', () => {
    assert.match(of({ 'spiffe://Example.org/a': {} }).join(), /nobody can have this name: "spiffe:\/\/Example.org\/a"/);
  });
  test('for a peer that is granted nothing', () => {
    assert.match(of({ [known]: { [known]: {} } }).join(), /granted nothing/);
  });
});
