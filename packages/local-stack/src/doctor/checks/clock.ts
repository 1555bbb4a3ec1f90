/** This clock agrees with those of the issuer and of others. */
import type { Check, Facts, Finding } from '../facts.ts';

/** A `Date` header has whole seconds, and travels. */
const NOTICED_MS = 5_000;
/** Links of a caller chain live 30 s. */
const HARMFUL_MS = 20_000;

/** By SVIDs from the future and by the `Date` of answers. */
export const clock: Check = {
  name: 'clock',
  holds: 'the clocks agree',
  run: (facts) => [...fromTheFuture(facts), ...others(facts)],
};

function fromTheFuture({ workloads, nowMs }: Facts): Finding[] {
  return workloads.flatMap(({ name, answer }) => {
    if (answer.kind !== 'svid' || nowMs >= answer.notBeforeMs) return [];
    const seconds = Math.ceil((answer.notBeforeMs - nowMs) / 1_000);
    const evidence = `its SVID is valid in ${seconds} s only: this clock is behind the issuer's`;
    return [
      {
        status: 'fail' as const,
        subject: name,
        evidence,
        fix: 'Set this clock by NTP (timedatectl, chronyc tracking).',
      },
    ];
  });
}

function others({ clocks }: Facts): Finding[] {
  return clocks.flatMap(({ subject, theirsMs, oursMs }) => {
    const offMs = oursMs - theirsMs;
    if (Math.abs(offMs) <= NOTICED_MS) return [];
    const evidence = `this clock is ${Math.round(Math.abs(offMs) / 1_000)} s ${offMs > 0 ? 'ahead' : 'behind'}`;
    const status = Math.abs(offMs) > HARMFUL_MS ? ('fail' as const) : ('warn' as const);
    return [{ status, subject, evidence, fix: 'Set both clocks by NTP (timedatectl, chronyc tracking).' }];
  });
}
