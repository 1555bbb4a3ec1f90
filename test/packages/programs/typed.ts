/**
 * What a user's compiler has to accept, and what it has to refuse.
 */
import { startDevTrustDomain } from '@countersign/dev-trust-domain';
import {
  authorizeId,
  createSpiffeHttpsServer,
  createWorkloadApiX509Source,
  peerOf,
  SpiffeId,
  type SpiffeTlsError,
} from '@countersign/spiffe-tls';

const source = createWorkloadApiX509Source({ endpoint: 'unix:///run/api.sock' });
const authorize = authorizeId(SpiffeId.parse('spiffe://example.org/client'));
createSpiffeHttpsServer({ source, authorize }, (request, response) => {
  const id: SpiffeId | undefined = peerOf(request)?.id;
  response.end(`${id}`);
});
// @ts-expect-error a text is no SPIFFE ID
authorizeId('spiffe://example.org/client');
// @ts-expect-error there is no default that accepts anybody
createSpiffeHttpsServer({ source }, () => {});

/** Codes are a closed list. */
export function isExpired(error: SpiffeTlsError): boolean {
  switch (error.code) {
    case 'EXPIRED':
      return true;
    // @ts-expect-error no such code
    case 'OUTDATED':
      return true;
    default:
      return false;
  }
}

export const started = startDevTrustDomain({ trustDomain: 'example.org', runDirectory: '/tmp/td', registrations: [] });
