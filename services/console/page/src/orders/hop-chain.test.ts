import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hop } from '../../../src/wire/actions.ts';
import { chainOf } from './hop-chain.ts';

const hop = (from: string, to: string): Hop => ({ from, to, transport: 'grpc', decision: 'allow', decision_id: 'x' });

test('three hops are four parties', () => {
  const hops = [hop('spiffe://d/a', 'spiffe://d/b'), hop('spiffe://d/b', 'spiffe://d/c'), hop('spiffe://d/c', 'pg')];
  const chain = chainOf(hops);
  assert.deepEqual(
    chain.map(({ name }) => name),
    ['a', 'b', 'c', 'pg'],
  );
  assert.deepEqual(
    chain.map(({ call }) => call),
    [undefined, ...hops],
  );
});

test('a hop from elsewhere begins anew', () => {
  const chain = chainOf([hop('a', 'b'), hop('a', 'c')]);
  assert.deepEqual(
    chain.map(({ name }) => name),
    ['a', 'b', 'a', 'c'],
  );
});

test('no hops, no chain', () => assert.deepEqual(chainOf([]), []));
