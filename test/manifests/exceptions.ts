/** Findings that are meant. Each says why; one that nothing needs any more is a finding itself. */
import type { Finding } from './findings.ts';

/** A rule that does not hold for one system. */
export interface Exception {
  /** The system's name. */
  readonly system: string;
  readonly rule: string;
  /** Of which objects. */
  readonly objects: RegExp;
  readonly why: string;
}

const LIVE_UPDATE =
  'changed files are written into the running container: for development alone, and never the default';

/** The services, as findings name them. */
const SERVICES = /^Deployment (\S+\/)?(customer|backend|db-client)\b/;

export const EXCEPTIONS: readonly Exception[] = ['kind/overlays/live-update', 'kind/components/live-update'].map(
  (system) => ({ system, rule: 'read-only-root', objects: SERVICES, why: LIVE_UPDATE }),
);

/** The same, in the words of kube-score. */
export const SCORE_EXCEPTIONS: readonly Exception[] = [
  {
    system: 'kind/overlays/live-update',
    rule: 'kube-score container-security-context-readonlyrootfilesystem',
    objects: SERVICES,
    why: LIVE_UPDATE,
  },
];

/** What is left of a system's findings, and the exceptions that were not needed. */
export function applyExceptions(
  system: string,
  findings: readonly Finding[],
  exceptions: readonly Exception[] = EXCEPTIONS,
): readonly Finding[] {
  const ours = exceptions.filter((exception) => exception.system === system);
  const fits = (exception: Exception, { rule, object }: Finding) =>
    exception.rule === rule && exception.objects.test(object);
  const isMeant = (finding: Finding) => ours.some((exception) => fits(exception, finding));
  const needless = ours
    .filter((exception) => !findings.some((finding) => fits(exception, finding)))
    .map(({ rule }) => ({
      rule: 'exception-needed',
      object: system,
      says: `the exception from ${rule} is not needed`,
    }));
  return [...findings.filter((finding) => !isMeant(finding)), ...needless];
}
