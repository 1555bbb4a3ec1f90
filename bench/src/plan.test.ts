import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AGAINST_BARE, AGAINST_GO_SPIFFE, hasLayer, LAYER_BY_LAYER, needsGoSpiffe, VARIANTS } from './plan.ts';

const byName = new Map(VARIANTS.map((variant) => [variant.name, variant]));

test('every comparison names two variants that differ in what it says, over one transport', () => {
  assert.equal(byName.size, VARIANTS.length);
  for (const { name, figure, baseline } of [...AGAINST_BARE, ...LAYER_BY_LAYER, ...AGAINST_GO_SPIFFE]) {
    const [ours, theirs] = [byName.get(figure), byName.get(baseline)];
    assert.ok(ours !== undefined && theirs !== undefined, `${name}: ${figure} and ${baseline} are variants`);
    assert.equal(ours.transport, theirs.transport, name);
    assert.notDeepEqual(ours, theirs, name);
  }
});

test('go-spiffe is never compared with what decides on each request, and only ever without resumption', () => {
  for (const { name, figure, baseline } of AGAINST_GO_SPIFFE) {
    const ours = byName.get(figure);
    const theirs = byName.get(baseline);
    assert.ok(ours !== undefined && theirs !== undefined);
    assert.ok(!needsGoSpiffe(ours) && needsGoSpiffe(theirs), name);
    for (const { server, client, resumption } of [ours, theirs]) {
      assert.ok(!hasLayer(server, 'guard') && !hasLayer(client, 'guard') && !resumption, name);
    }
  }
});
