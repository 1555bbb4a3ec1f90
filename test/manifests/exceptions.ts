/** Findings that are meant. Each says why; one that nothing needs any more is a finding itself. */
import type { Finding } from './findings.ts';

/** A rule that does not hold for one system. */
export interface Exception {
  /** The system's name. */
  readonly system: string;
  readonly rule: string;
  readonly why: string;
}

const LIVE_UPDATE =
  'changed files are written into the running container: for development alone, and never the default';

export const EXCEPTIONS: readonly Exception[] = [
  { system: 'kind/overlays/live-update', rule: 'read-only-root', why: LIVE_UPDATE },
  { system: 'kind/components/live-update', rule: 'read-only-root', why: LIVE_UPDATE },
];

/** What is left of a system's findings, and the exceptions that were not needed. */
export function applyExceptions(
  system: string,
  findings: readonly Finding[],
  exceptions: readonly Exception[] = EXCEPTIONS,
): readonly Finding[] {
  const ours = exceptions.filter((exception) => exception.system === system);
  const isMeant = ({ rule }: Finding) => ours.some((exception) => exception.rule === rule);
  const needless = ours
    .filter(({ rule }) => !findings.some((finding) => finding.rule === rule))
    .map(({ rule }) => ({
      rule: 'exception-needed',
      object: system,
      says: `the exception from ${rule} is not needed`,
    }));
  return [...findings.filter((finding) => !isMeant(finding)), ...needless];
}
