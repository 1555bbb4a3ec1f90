/**
 * Who may be the peer, as small functions to combine. There is no default: a connection that anyone with an SVID may open has to
 * say so by a name that stands out in review.
 */
import { quote } from './errors.ts';
import type { Authorizer } from './peer.ts';
import type { SpiffeId } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';

/**
 * Lets in exactly this SPIFFE ID.
 * @example
 * authorizeId(SpiffeId.parse('spiffe://example.org/customer'));
 */
export function authorizeId(id: SpiffeId): Authorizer {
  return (peerId) => (peerId.equals(id) ? undefined : quote(`${id}`));
}

/**
 * Lets in the SPIFFE IDs of a list, or of a set that is asked for at each handshake and may therefore change (a policy's peers).
 * An empty list lets in nobody.
 * @example
 * authorizeOneOf([customerId, backendId]);
 * authorizeOneOf(() => new Set(['spiffe://example.org/customer'])); // asked at each handshake
 */
export function authorizeOneOf(ids: Iterable<SpiffeId> | (() => ReadonlySet<string>)): Authorizer {
  if (typeof ids === 'function') return (peerId) => oneOf(ids(), peerId);
  const fixed = new Set([...ids].map((id) => id.toString()));
  return (peerId) => oneOf(fixed, peerId);
}

/**
 * Lets in every member of a trust domain.
 * @example
 * authorizeMemberOf(TrustDomain.parse('partner.example'));
 */
export function authorizeMemberOf(trustDomain: TrustDomain): Authorizer {
  return (peerId) => (peerId.memberOf(trustDomain) ? undefined : `a member of ${quote(trustDomain.name)}`);
}

/**
 * Lets in whom every one of these lets in.
 * @throws {TypeError} without authorizers: "all of none" would let in everybody.
 * @example
 * authorizeAll(authorizeMemberOf(trustDomain), (peerId) => (peerId.path.startsWith('/billing/') ? undefined : 'billing'));
 */
export function authorizeAll(...authorizers: Authorizer[]): Authorizer {
  if (authorizers.length === 0) throw new TypeError('authorizeAll needs at least one authorizer');
  return (peerId) => {
    for (const authorize of authorizers) {
      const expected = authorize(peerId);
      // Whatever is not "accept" goes to the caller as it is, a promise included: verifyPeer refuses what it does not know.
      if (expected !== undefined) return expected;
    }
    return undefined;
  };
}

/**
 * Lets in whom at least one of these lets in.
 * @throws {TypeError} without authorizers.
 * @example
 * authorizeAny(authorizeId(customerId), authorizeMemberOf(TrustDomain.parse('partner.example')));
 */
export function authorizeAny(...authorizers: Authorizer[]): Authorizer {
  if (authorizers.length === 0) throw new TypeError('authorizeAny needs at least one authorizer');
  return (peerId) => {
    const expected: string[] = [];
    for (const authorize of authorizers) {
      const answer = authorize(peerId);
      if (answer === undefined) return undefined;
      expected.push(answer);
    }
    return expected.join(' or ');
  };
}

/** Lets in whoever has a valid SVID of a trusted trust domain. Authorize per request, and by ID, instead. */
export function dangerouslyAuthorizeAnyPeer(): Authorizer {
  return () => undefined;
}

const MAX_LISTED = 5;

function oneOf(ids: ReadonlySet<string>, peerId: SpiffeId): string | undefined {
  if (ids.has(peerId.toString())) return undefined;
  if (ids.size === 0) return 'no peer at all';
  const shown = [...ids].slice(0, MAX_LISTED).map((id) => quote(id));
  return `one of ${shown.join(', ')}${ids.size > MAX_LISTED ? ` and ${ids.size - MAX_LISTED} more` : ''}`;
}
