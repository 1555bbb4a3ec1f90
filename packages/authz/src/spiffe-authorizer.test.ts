/** The handshake's list: the grants' peers, and nobody else but while there is no policy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SpiffeId } from '@countersign/spiffe-tls';
import { AuthzError } from './errors.ts';
import { createSpiffeAuthorizer } from './spiffe-authorizer.ts';

const SELF = 'spiffe://example.org/ns/test/sa/callee';
const CALLER = 'spiffe://example.org/ns/test/sa/caller';
const loaded = (peers: string[]) => ({
  status: () => ({ state: 'loaded', revision: '1' }) as const,
  peersOf: (self: string) => new Set(self === SELF ? peers : []),
});

const REFUSED: [name: string, peer: string][] = [
  ['a peer that no grant names', 'spiffe://example.org/ns/test/sa/stranger'],
  ['the service itself', SELF],
  ['the same path in another trust domain', 'spiffe://example.com/ns/test/sa/caller'],
  ['another case', 'spiffe://example.org/ns/test/sa/Caller'],
  ['a path below', `${CALLER}/more`],
  ['the trust domain', 'spiffe://example.org'],
];
for (const [name, peer] of REFUSED) {
  test(`spiffe authorizer: refused: ${name}`, () => {
    const authorize = createSpiffeAuthorizer(loaded([CALLER]), SELF);
    assert.equal(authorize(SpiffeId.parse(peer)), `a peer that a grant names: ${CALLER}`);
  });
}

test('spiffe authorizer: a service that no grant is for is called by nobody', () => {
  assert.match(createSpiffeAuthorizer(loaded([CALLER]), CALLER)(SpiffeId.parse(CALLER)) ?? '', /^nobody/);
});

test('spiffe authorizer: a long list is cut', () => {
  const peers = Array.from({ length: 30 }, (_, index) => `spiffe://example.org/p${index + 10}`);
  const said = createSpiffeAuthorizer(loaded(peers), SELF)(SpiffeId.parse(CALLER));
  assert.match(said ?? '', /p10, .*p17 and 22 more$/);
});

test('spiffe authorizer: an own ID that is not known refuses', () => {
  const authorize = createSpiffeAuthorizer(loaded([CALLER]), () => {
    throw new Error('no identity');
  });
  assert.throws(() => authorize(SpiffeId.parse(CALLER)), /no identity/);
});

test('spiffe authorizer: accepts the grants peers, asks the policy each time', () => {
  const peers = [CALLER];
  const authorize = createSpiffeAuthorizer(loaded(peers), () => SELF);
  assert.equal(authorize(SpiffeId.parse(CALLER)), undefined);
  peers.pop();
  assert.match(authorize(SpiffeId.parse(CALLER)) ?? '', /^nobody/);
});

test('spiffe authorizer: without a policy the list is skipped: the guard then answers', () => {
  const error = new AuthzError('POLICY_UNAVAILABLE', 'policy: none is loaded');
  const none = { status: () => ({ state: 'unavailable', error }) as const, peersOf: () => new Set<string>() };
  assert.equal(createSpiffeAuthorizer(none, SELF)(SpiffeId.parse(CALLER)), undefined);
});
