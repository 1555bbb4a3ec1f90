/** A bundle is there for each trust domain from which peers come, and it still has a valid CA. */
import type { Check, Finding, WorkloadFacts } from '../facts.ts';

/** Missing, or stale. */
export const bundles: Check = {
  name: 'bundles',
  holds: 'there is a valid bundle for every trust domain of a peer',
  run: ({ workloads, nowMs }) => workloads.flatMap((workload) => examine(workload, nowMs)),
};

function examine({ name, answer, peerTrustDomains }: WorkloadFacts, nowMs: number): Finding[] {
  if (answer.kind !== 'svid') return [];
  const found = new Map(
    answer.bundles.map(({ trustDomain, authoritiesExpireMs }) => [trustDomain, authoritiesExpireMs]),
  );
  const missing = peerTrustDomains
    .filter((trustDomain) => (found.get(trustDomain) ?? []).length === 0)
    .map((trustDomain) => ({
      status: 'fail' as const,
      subject: name,
      evidence: `no bundle for ${trustDomain}, from which a peer comes`,
      fix: 'Federate: federatesWith of the registration (spire-server entry update -federatesWith), and its bundle at the server.',
    }));
  const stale = [...found]
    .filter(([, expireMs]) => expireMs.length > 0 && expireMs.every((ms) => ms <= nowMs))
    .map(([trustDomain]) => ({
      status: 'fail' as const,
      subject: name,
      evidence: `every CA in the bundle of ${trustDomain} has expired`,
      fix: 'The bundle is no longer refreshed: look at the federation’s endpoint (npm run trust-domain -- status, or spire-server federation list).',
    }));
  return [...missing, ...stale];
}
