/** The other trust domain, as the action `federate` sets it up: a SPIRE server without agents, which mints SVIDs on command. */
import { createKubectl } from '../../../packages/local-stack/src/kind/kubectl.ts';
import { createClusterSpire } from '../../../packages/local-stack/src/kind/spire-server.ts';

/** Its trust domain's ID. */
export const PARTNER = 'spiffe://partner.example';

const server = createClusterSpire(createKubectl(), { namespace: 'partner', pod: 'partner-spire-server-0' });

/** An SVID of the partner's: certificates and key, PEM. */
export async function mintSvid(spiffeId: string): Promise<{ readonly certificates: string; readonly key: string }> {
  const printed = await server.command(['x509', 'mint', '-spiffeID', spiffeId, '-ttl', '10m']);
  const [, certificates, key] = /^X509-SVID:\n(.*)^Private key:\n(.*)^Root CAs:/ms.exec(printed) ?? [];
  if (certificates === undefined || key === undefined) throw new Error(`no SVID in what was printed for ${spiffeId}`);
  return { certificates, key };
}
