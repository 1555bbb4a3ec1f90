/**
 * Who may connect at all: the peers that some grant for this service names. The first of two locks; the guard decides each
 * call.
 */
import type { Authorizer } from '@countersign/spiffe-tls';
import type { PolicyEngine, PolicyStatus } from './policy-engine.ts';

const NAMED_AT_MOST = 8;

/**
 * Creates the authorizer of a service's handshakes. It follows the policy: each handshake asks for the grants as they are.
 *
 * While no policy is loaded it accepts every verified SVID, so that callers are told 503 or UNAVAILABLE by the guard, which
 * refuses each call then, and not that they are nobody.
 * @param self the service's own SPIFFE ID; throwing refuses the handshake
 * @example createSpiffeHttpsServer({ source, authorize: createSpiffeAuthorizer(engine, self) }, app);
 */
export function createSpiffeAuthorizer(
  engine: Pick<PolicyEngine, 'peersOf'> & { status(): Pick<PolicyStatus, 'state'> },
  self: string | (() => string),
): Authorizer {
  return (peerId) => {
    if (engine.status().state === 'unavailable') return undefined;
    const peers = engine.peersOf(typeof self === 'string' ? self : self());
    return peers.has(peerId.toString()) ? undefined : expected(peers);
  };
}

function expected(peers: ReadonlySet<string>): string {
  if (peers.size === 0) return 'nobody: no grant is for this service';
  const named = [...peers].sort().slice(0, NAMED_AT_MOST).join(', ');
  const more = peers.size > NAMED_AT_MOST ? ` and ${peers.size - NAMED_AT_MOST} more` : '';
  return `a peer that a grant names: ${named}${more}`;
}
