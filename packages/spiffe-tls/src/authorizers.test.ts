import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  authorizeAll,
  authorizeAny,
  authorizeId,
  authorizeMemberOf,
  authorizeOneOf,
  dangerouslyAuthorizeAnyPeer,
} from './authorizers.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';

const a = SpiffeId.parse('spiffe://example.org/a');
const b = SpiffeId.parse('spiffe://example.org/b');
const upper = SpiffeId.parse('spiffe://example.org/A');
const below = SpiffeId.parse('spiffe://example.org/a/b');
const foreign = SpiffeId.parse('spiffe://foreign.example/a');
const longer = SpiffeId.parse('spiffe://example.org.foreign.example/a');
const example = TrustDomain.parse('example.org');

const table = [
  ['one ID', authorizeId(a), [a], [b, upper, below, foreign, longer], '"spiffe://example.org/a"'],
  [
    'a list',
    authorizeOneOf([a, b]),
    [a, b],
    [upper, foreign],
    'one of "spiffe://example.org/a", "spiffe://example.org/b"',
  ],
  ['an empty list', authorizeOneOf([]), [], [a, b, foreign], 'no peer at all'],
  ['a set by name', authorizeOneOf(() => new Set([`${a}`])), [a], [b, foreign], 'one of "spiffe://example.org/a"'],
  ['members', authorizeMemberOf(example), [a, b], [foreign, longer], 'a member of "example.org"'],
  ['all', authorizeAll(authorizeMemberOf(example), authorizeId(a)), [a], [b], '"spiffe://example.org/a"'],
  [
    'any',
    authorizeAny(authorizeId(a), authorizeMemberOf(foreign.trustDomain)),
    [a, foreign],
    [b],
    '"spiffe://example.org/a" or a member of "foreign.example"',
  ],
] as const;

for (const [name, authorize, accepted, refused, expected] of table) {
  test(`authorizer of ${name}: refuses all but its own, and says whom it expects`, () => {
    for (const id of refused) assert.equal(authorize(id), expected, `${id}`);
    for (const id of accepted) assert.equal(authorize(id), undefined, `${id}`);
  });
}

test('authorizer of a set: sees the set change', () => {
  const peers = new Set<string>();
  const authorize = authorizeOneOf(() => peers);
  assert.equal(authorize(a), 'no peer at all');
  peers.add(`${a}`);
  assert.equal(authorize(a), undefined);
  peers.delete(`${a}`);
  assert.equal(authorize(a), 'no peer at all');
});

test('authorizer of a list: does not see the list change', () => {
  const list = [a];
  const authorize = authorizeOneOf(list);
  list.push(b);
  assert.notEqual(authorize(b), undefined);
});

test('authorizer of a list: names five of many', () => {
  const many = Array.from({ length: 9 }, (_, i) => SpiffeId.from(example, `w${i}`));
  assert.match(authorizeOneOf(many)(a) ?? '', /w4" and 4 more$/);
});

test('combinators without parts are a mistake, not an open door', () => {
  assert.throws(() => authorizeAll(), TypeError);
  assert.throws(() => authorizeAny(), TypeError);
});

test('the dangerous one lets in anybody', () => assert.equal(dangerouslyAuthorizeAnyPeer()(foreign), undefined));
