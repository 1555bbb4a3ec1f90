/** The policy is the present one, wherever it is: in identities.json, in its data, in the bundle, in the services. */
import type { Check, Facts, Finding } from '../facts.ts';

/** From the source to the process. */
export const policy: Check = {
  name: 'policy',
  holds: 'services decide by the present policy',
  run: (facts) => [...data(facts), ...bundle(facts), ...unknown(facts)],
};

function data({ policy: { wantedGrants, writtenGrants } }: Facts): Finding[] {
  if (wantedGrants === writtenGrants) return [];
  const evidence = 'policies/data/grants/data.json is not what identities.json says';
  return [{ status: 'warn', subject: 'policy', evidence, fix: 'npm run generate.' }];
}

function bundle({ policy: { bundle: found, loaded } }: Facts): Finding[] {
  if ('refused' in found) {
    const fix = 'npm run generate makes it anew; services keep the last good one, and after a restart have none.';
    return [{ status: 'fail', subject: 'policy', evidence: `the bundle is refused: ${found.refused}`, fix }];
  }
  return loaded
    .filter(({ revision }) => revision !== found.revision)
    .map(({ service, revision }) => ({
      status: 'fail' as const,
      subject: service,
      evidence: `it decides by revision ${revision.slice(0, 12)}, the bundle is ${found.revision.slice(0, 12)}`,
      fix: 'Its log says why the newer one was refused (event: policy); restart it if it follows another file (POLICY_BUNDLE).',
    }));
}

/** IDs of other trust domains are the federation's. */
function unknown({ policy: { grantedIds }, knownIds, trustDomain }: Facts): Finding[] {
  return grantedIds
    .filter((id) => id.startsWith(`spiffe://${trustDomain}/`) && !knownIds.includes(id))
    .map((id) => ({
      status: 'warn' as const,
      subject: 'policy',
      evidence: `a grant names ${id}, which identities.json does not know`,
      fix: 'A typo, or a workload that is gone: correct the grant, or anybody who gets this ID has it.',
    }));
}
