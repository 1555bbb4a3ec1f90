/** The Workload API has an identity for whoever asks. */
import type { Check, Finding, WorkloadFacts } from '../facts.ts';

/** Answered, but without an entry; or not answered at all. */
export const entry: Check = {
  name: 'entry',
  holds: 'the Workload API gives each workload an identity',
  run: ({ workloads }) => workloads.flatMap(examine),
};

function examine({ name, answer, askedAsUid, selectorUid }: WorkloadFacts): Finding[] {
  if (answer.kind === 'silent') {
    const fix = 'The socket is there, but nobody answers properly: is the agent running? Restart it, and read its log.';
    return [{ status: 'fail', subject: name, evidence: answer.message, fix }];
  }
  // Wrong selectors are a finding of their own.
  if (answer.kind !== 'denied' || (selectorUid !== undefined && selectorUid !== askedAsUid)) return [];
  const fix =
    'Register it: npm run trust-domain -- status lists the workloads; on SPIRE, spire-server entry show. The agent takes some seconds to hear of a new entry.';
  return [{ status: 'fail', subject: name, evidence: answer.message, fix }];
}
