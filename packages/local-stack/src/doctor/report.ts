/** What `npm run doctor` prints. */
import type { Result } from './checks.ts';

/** A line a check; under it each finding with evidence and fix. */
export function describeResults(results: readonly Result[]): string {
  return results
    .flatMap(({ check, holds, status, findings }) => [
      `${status.padEnd(5)} ${check.padEnd(17)} ${holds}`,
      ...findings.flatMap(({ status: worth, subject, evidence, fix }) => [
        `        ${worth === 'fail' ? 'FAIL' : 'warn'}  ${subject}: ${evidence}`,
        `        fix   ${fix}`,
      ]),
    ])
    .join('\n');
}

/** The last line. */
export function describeSum(results: readonly Result[]): string {
  const count = (status: Result['status']) => results.filter((result) => result.status === status).length;
  return `${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`;
}
