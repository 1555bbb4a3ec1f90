import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Box, type Direction, type Layout, layOut } from './layout.ts';
import { drawLines } from './path.ts';
import { type MapCall, type MapNode, tell } from './topology.ts';

const node = (id: string, kind: MapNode['kind'] = 'service'): MapNode => ({ id, kind });
const call = (from: string, to: string): MapCall => ({ key: `${from}>${to}`, from, to });

const chain = ['web', 'shop', 'back', 'db', 'sql'];
const nodes = [
  node('web', 'outside'),
  node('shop'),
  node('back'),
  node('db'),
  node('sql', 'peer'),
  node('rogue', 'peer'),
];
const calls = [
  call('web', 'shop'),
  call('shop', 'back'),
  call('back', 'db'),
  call('db', 'sql'),
  call('rogue', 'back'),
  call('rogue', 'db'),
];
const told = tell(nodes, calls);

function boxOf(layout: Layout, id: string): Box {
  const box = layout.nodes.get(id) ?? layout.labels.get(id);
  ok(box, id);
  return box;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function middle(box: Box, direction: Direction): number {
  return direction === 'across' ? box.y + box.height / 2 : box.x + box.width / 2;
}

for (const direction of ['across', 'down'] as const) {
  describe(`the map ${direction}`, () => {
    const layout = layOut(told, direction);

    it('has the spine in one straight line, in its order, with the others to one side', () => {
      const boxes = chain.map((id) => boxOf(layout, id));
      const axis = direction === 'across' ? 'x' : 'y';
      deepEqual(
        [...boxes].sort((a, b) => a[axis] - b[axis]),
        boxes,
      );
      const [first] = boxes;
      ok(first);
      for (const box of boxes) ok(Math.abs(middle(box, direction) - middle(first, direction)) < 1);
      ok(middle(boxOf(layout, 'rogue'), direction) > middle(first, direction));
    });

    it('has nothing on top of anything, and nothing outside', () => {
      const boxes = [...layout.nodes.values(), ...layout.labels.values()];
      equal(boxes.length, nodes.length + calls.length);
      boxes.forEach((box, position) => {
        ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= layout.width && box.y + box.height <= layout.height);
        for (const other of boxes.slice(position + 1)) ok(!overlap(box, other));
      });
    });

    it('is the same for the same topology', () => {
      deepEqual(layOut(tell([...nodes].reverse(), [...calls].reverse()), direction), layout);
    });

    it('has a line for each call, and lines that meet at a node end apart', () => {
      const lines = drawLines(calls, layout, direction);
      equal(lines.size, calls.length);
      const [one, other] = [lines.get('shop>back'), lines.get('rogue>back')];
      ok(one && other);
      ok(Math.hypot(one.end.x - other.end.x, one.end.y - other.end.y) > 10);
    });
  });
}

it('an empty map takes no room', () => {
  const { width, height } = layOut([], 'across');
  deepEqual([width, height], [0, 0]);
});
