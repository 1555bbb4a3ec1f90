import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyMasks, parseMaskRules } from './mask-rules.ts';

const input = {
  peer: { spiffe_id: 'spiffe://example.org/web', path: ['a', 'b', 'c'] },
  list: [{ x: 1, y: 2 }, [10, 20, 30]],
  'a/b': 1,
  'c~d': 2,
  nothing: null,
};
const result = { allow: true, obligations: [{ kind: 'mask', fields: ['customer'] }] };

type Row = readonly [
  what: string,
  masks: readonly unknown[],
  expected: {
    readonly input?: unknown;
    readonly result?: unknown;
    readonly erased?: string[];
    readonly masked?: string[];
  },
];

const without = (name: string) => Object.fromEntries(Object.entries(input).filter(([key]) => key !== name));

const rows: readonly Row[] = [
  ['a name', ['/input/peer'], { input: without('peer'), erased: ['/input/peer'] }],
  [
    'a name below',
    ['/input/peer/spiffe_id'],
    { input: { ...input, peer: { path: ['a', 'b', 'c'] } }, erased: ['/input/peer/spiffe_id'] },
  ],
  [
    'an entry of a list: the others move up',
    ['/input/peer/path/1'],
    { input: { ...input, peer: { ...input.peer, path: ['a', 'c'] } }, erased: ['/input/peer/path/1'] },
  ],
  [
    'a name in an entry',
    ['/input/list/0/x'],
    { input: { ...input, list: [{ y: 2 }, [10, 20, 30]] }, erased: ['/input/list/0/x'] },
  ],
  [
    'an entry of a list in a list',
    ['/input/list/1/2'],
    { input: { ...input, list: [{ x: 1, y: 2 }, [10, 20]] }, erased: ['/input/list/1/2'] },
  ],
  ['a name that holds null', ['/input/nothing'], { input: without('nothing'), erased: ['/input/nothing'] }],
  ['a name with a slash', ['/input/a~1b'], { input: without('a/b'), erased: ['/input/a~1b'] }],
  ['a name with a tilde', ['/input/c~0d'], { input: without('c~d'), erased: ['/input/c~0d'] }],
  ['the whole input', ['/input'], { input: undefined, erased: ['/input'] }],
  ['the whole result', ['/result'], { result: undefined, erased: ['/result'] }],
  [
    'a part of the result',
    ['/result/obligations/0/fields'],
    { result: { allow: true, obligations: [{ kind: 'mask' }] }, erased: ['/result/obligations/0/fields'] },
  ],
  [
    'another value',
    [{ op: 'upsert', path: '/input/peer/spiffe_id', value: '[masked]' }],
    { input: { ...input, peer: { ...input.peer, spiffe_id: '[masked]' } }, masked: ['/input/peer/spiffe_id'] },
  ],
  [
    'another value in a list',
    [{ op: 'upsert', path: '/input/peer/path/0', value: null }],
    { input: { ...input, peer: { ...input.peer, path: [null, 'b', 'c'] } }, masked: ['/input/peer/path/0'] },
  ],
  [
    'a new value under names that are not there',
    [{ op: 'upsert', path: '/input/new/deep', value: 1 }],
    { input: { ...input, new: { deep: 1 } }, masked: ['/input/new/deep'] },
  ],
  [
    'another input',
    [{ op: 'upsert', path: '/input', value: { gone: true } }],
    { input: { gone: true }, masked: ['/input'] },
  ],
  [
    'one mask after another, the second in what the first wrote',
    [
      { op: 'upsert', path: '/input/peer', value: { a: 1, b: 2 } },
      { op: 'remove', path: '/input/peer/a' },
    ],
    { input: { ...input, peer: { b: 2 } }, masked: ['/input/peer'], erased: ['/input/peer/a'] },
  ],
  // What is not there is not masked, and not said to be.
  ['a missing name', ['/input/absent'], {}],
  ['a missing name below one', ['/input/absent/deep'], {}],
  ['below text', ['/input/peer/spiffe_id/x'], {}],
  ['below null', ['/input/nothing/x'], {}],
  ['an index that is too high', ['/input/peer/path/3'], {}],
  ['a negative index', ['/input/peer/path/-1'], {}],
  ['an index that is a name', ['/input/peer/path/first'], {}],
  ['the length of a list', ['/input/peer/path/length'], {}],
  ['a length of text', ['/input/peer/spiffe_id/0'], {}],
  ['an inherited name', ['/input/toString'], {}],
  ['another value below text', [{ op: 'upsert', path: '/input/peer/spiffe_id/x', value: 1 }], {}],
  ['another value beyond a list', [{ op: 'upsert', path: '/input/peer/path/3', value: 1 }], {}],
];

for (const [what, masks, { erased = [], masked = [], ...parts }] of rows) {
  test(`mask: ${what}`, () => {
    const expected = { input: structuredClone(input), result: structuredClone(result), ...parts, erased, masked };
    const rules = parseMaskRules(masks);
    assert.deepEqual(applyMasks(rules, { input, result }), expected);
    assert.deepEqual(applyMasks(rules, { input, result }), expected, 'a second event is masked as the first');
  });
}

test('mask: what is masked is a copy', () => {
  const before = structuredClone({ input, result });
  applyMasks(parseMaskRules(['/input/peer', '/result/allow', '/input/list/0']), { input, result });
  assert.deepEqual({ input, result }, before);
});

test('mask: an event without input or result has nothing to mask', () => {
  const rules = parseMaskRules(['/input', '/result/allow', { op: 'upsert', path: '/input/x', value: 1 }]);
  assert.deepEqual(applyMasks(rules, {}), { input: undefined, result: undefined, erased: [], masked: [] });
});

test('mask: a toJSON does not bring back what was taken away', () => {
  const tricky = { toJSON: () => ({ secret: 'x', open: 'y' }) };
  const { input: masked } = applyMasks(parseMaskRules(['/input/secret']), { input: tricky });
  assert.equal(JSON.stringify(masked), '{"open":"y"}');
});

test('mask: names of prototypes are names like others', () => {
  const rules = parseMaskRules([
    { op: 'upsert', path: '/input/__proto__/polluted', value: true },
    { op: 'upsert', path: '/input/constructor/prototype/polluted', value: true },
  ]);
  const { input: masked } = applyMasks(rules, { input: {} });
  assert.equal(Reflect.get({}, 'polluted'), undefined);
  assert.equal(JSON.stringify(masked), '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
});

for (const [what, masks] of [
  ['no list', '/input/x'],
  ['an object instead of a list', { op: 'remove', path: '/input/x' }],
  ['an empty path', ['']],
  ['a path without a slash in front', ['input/x']],
  ['another part of the event', ['/labels/id']],
  ['the whole event', ['/']],
  ['a part that begins like input', ['/inputs/x']],
  ['an empty name', ['/input//x']],
  ['a slash at the end', ['/input/x/']],
  ['a tilde that escapes nothing', ['/input/a~2']],
  ['a tilde at the end', ['/input/a~']],
  ['a number', [7]],
  ['null', [null]],
  ['a list in the list', [['/input/x']]],
  ['another op', [{ op: 'replace', path: '/input/x', value: 1 }]],
  ['no op', [{ path: '/input/x' }]],
  ['no path', [{ op: 'remove' }]],
  ['a path that is a list', [{ op: 'remove', path: ['input', 'x'] }]],
  ['upsert without a value', [{ op: 'upsert', path: '/input/x' }]],
  ['remove with a value', [{ op: 'remove', path: '/input/x', value: 1 }]],
  ['a misspelt property', [{ op: 'remove', path: '/input/x', when: 'always' }]],
  ['one good and one bad', ['/input/x', '/output/x']],
  ['more than 256', Array.from({ length: 257 }, () => '/input/x')],
] satisfies ReadonlyArray<readonly [string, unknown]>) {
  test(`mask refused at the start: ${what}`, () => {
    assert.throws(() => parseMaskRules(masks), { name: 'TypeError', message: /^decision log masks: / });
  });
}

test('mask: nothing is removed from a prototype', () => {
  const rules = parseMaskRules(['/input/__proto__/valueOf', '/input/constructor/prototype/valueOf']);
  assert.deepEqual(applyMasks(rules, { input: {} }).erased, []);
  assert.ok(Object.hasOwn(Object.prototype, 'valueOf'));
});
