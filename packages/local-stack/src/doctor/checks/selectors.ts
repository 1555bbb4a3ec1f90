/** On SPIRE: whoever asks has what the entry's selectors ask for, as far as that can be seen from here. */
import type { Check } from '../facts.ts';

/** Compares the user. */
export const selectors: Check = {
  name: 'selectors',
  holds: 'each workload runs as the user that its selectors name',
  run: ({ workloads }) =>
    workloads.flatMap(({ name, answer, askedAsUid, selectorUid }) => {
      if (answer.kind !== 'denied' || selectorUid === undefined || selectorUid === askedAsUid) return [];
      const evidence = `asked as user ${askedAsUid ?? 'unknown'}, the entry's selector is unix:uid:${selectorUid}`;
      const fix = `Run it as user ${selectorUid}, or correct the selector: spire-server entry show -spiffeID ...`;
      return [{ status: 'fail', subject: name, evidence, fix }];
    }),
};
