/** The SVID is valid, and for long enough. */
import type { Check, Finding, WorkloadFacts } from '../facts.ts';

/** A source has a new SVID by half of its life; what is left beyond this part of it was not renewed. */
const SOON = 0.15;

/** Relative to the SVID's own life: an hour is little of a day, and much of an hour. */
export const svidLife: Check = {
  name: 'svid-life',
  holds: 'every SVID is valid and renewed in time',
  run: ({ workloads, nowMs }) => workloads.flatMap((workload) => examine(workload, nowMs)),
};

function examine({ name, answer }: WorkloadFacts, nowMs: number): Finding[] {
  if (answer.kind !== 'svid') return [];
  const { notBeforeMs, notAfterMs } = answer;
  // Not yet valid is a matter of clocks.
  if (nowMs < notBeforeMs) return [];
  const until = new Date(notAfterMs).toISOString();
  const left = (notAfterMs - nowMs) / (notAfterMs - notBeforeMs);
  if (left <= 0) {
    const fix = 'The issuer no longer renews it: read the log of the trust domain or agent, and restart it.';
    return [{ status: 'fail', subject: name, evidence: `its SVID expired at ${until}`, fix }];
  }
  if (left > SOON) return [];
  const evidence = `its SVID expires at ${until}: ${Math.round(left * 100)}% of its life is left`;
  const fix = 'It should have been renewed at half of its life: can the agent reach its server?';
  return [{ status: 'warn', subject: name, evidence, fix }];
}
