import { deepEqual, equal } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kindOf, type MapCall, type MapNode, spine, tell } from './topology.ts';

const node = (id: string, kind: MapNode['kind'] = 'service'): MapNode => ({ id, kind });
const call = (from: string, to: string): MapCall => ({ key: `${from}>${to}`, from, to });

const nodes = [
  node('rogue', 'peer'),
  node('db'),
  node('sql', 'peer'),
  node('web', 'outside'),
  node('shop'),
  node('back'),
];
const calls = [call('rogue', 'back'), call('db', 'sql'), call('back', 'db'), call('shop', 'back'), call('web', 'shop')];

function words(told: ReturnType<typeof tell>): readonly string[] {
  return told.map((item) => ('node' in item ? item.node.id : item.call.key));
}

describe('the order of the map', () => {
  it('follows the calls from whoever has no identity down to the last one, then tells the others', () => {
    const expected = [
      'web',
      'web>shop',
      'shop',
      'shop>back',
      'back',
      'back>db',
      'db',
      'db>sql',
      'sql',
      'rogue',
      'rogue>back',
    ];
    deepEqual(words(tell(nodes, calls)), expected);
  });

  it('is the same whatever order they came in', () => {
    deepEqual(words(tell([...nodes].reverse(), [...calls].reverse())), words(tell(nodes, calls)));
  });

  it('tells nobody twice when calls go in a circle', () => {
    const told = words(tell([node('a'), node('b')], [call('a', 'b'), call('b', 'a')]));
    deepEqual(told, ['a', 'a>b', 'b', 'b>a']);
  });

  it('draws no call of somebody who is not there, nor to oneself', () => {
    deepEqual(words(tell([node('a')], [call('a', 'x'), call('x', 'a'), call('a', 'a')])), ['a']);
  });
});

describe('the spine', () => {
  it('is the longest way from the first one', () => {
    deepEqual(spine(tell(nodes, [...calls, call('shop', 'sql')])), ['web', 'shop', 'back', 'db', 'sql']);
  });

  it('ends where calls go in a circle', () => {
    const way = spine(tell([node('a'), node('b'), node('c')], [call('a', 'b'), call('b', 'c'), call('c', 'a')]));
    deepEqual(way, ['a', 'b', 'c']);
  });

  it('is found at once in a map where everybody calls everybody', () => {
    const many = Array.from({ length: 40 }, (_, n) => node(`n${n}`));
    const all = many.flatMap((from) => many.map((to) => call(from.id, to.id)));
    equal(spine(tell(many, all)).length > 1, true);
  });

  it('is nothing in an empty map', () => {
    deepEqual(spine([]), []);
  });
});

describe('how much room a workload needs', () => {
  it('depends on whether it reports, and whether it has a name', () => {
    equal(kindOf({ state: 'silent', trustDomain: 'td' }), 'service');
    equal(kindOf({ state: 'seen', trustDomain: 'td' }), 'peer');
    equal(kindOf({ state: 'seen', trustDomain: '' }), 'outside');
  });
});
