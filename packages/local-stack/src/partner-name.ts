/** Who the system is shown to federate with, on this machine and on the cluster. */

/** Name of the partner's trust domain. */
export const partnerTrustDomain = 'partner.example';

/** SPIFFE ID of a workload of a partner's. */
export function partnerIdOf(trustDomain: string, workload: string): string {
  return `spiffe://${trustDomain}/${workload}`;
}
