/** A workload has the SPIFFE ID that identities.json gives it. */
import type { Check } from '../facts.ts';

/** Everything else derives from that file: grants, expected servers, roles. */
export const identityName: Check = {
  name: 'identity-name',
  holds: 'each workload has the SPIFFE ID of identities.json',
  run: ({ workloads }) =>
    workloads.flatMap(({ name, expectedId, answer }) => {
      if (answer.kind !== 'svid' || answer.spiffeId === expectedId) return [];
      const evidence = `it is ${answer.spiffeId}, not ${expectedId}`;
      const fix =
        'Correct its registration, or restart the system with the present identities.json; grants name the latter.';
      return [{ status: 'fail', subject: name, evidence, fix }];
    }),
};
