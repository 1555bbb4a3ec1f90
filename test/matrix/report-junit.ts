/** The cells as JUnit XML: a suite for each attack, a case for each cell. */
import { providerInWords } from '../prove/trust.ts';
import { asText } from './report-html.ts';
import type { Result, Verdict } from './run.ts';

/** The document. */
export function toJunit({ provider, verdicts }: Result): string {
  const suites = [...Map.groupBy(verdicts, ({ cell }) => cell.attack)].map(([attack, each]) => suite(attack, each));
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deny matrix, identities from ${providerInWords(provider)}" ${counts(verdicts)}>
${suites.join('\n')}
</testsuites>
`;
}

function suite(attack: string, verdicts: readonly Verdict[]): string {
  return `  <testsuite name="${asText(attack)}" ${counts(verdicts)}>
${verdicts.map(testCase).join('\n')}
  </testsuite>`;
}

function testCase({ cell, problems, seen, durationMs }: Verdict): string {
  const head = `    <testcase classname="${asText(cell.caller)}" name="${asText(cell.way.name)}" time="${(durationMs / 1000).toFixed(3)}"`;
  if (problems.length === 0) return `${head}/>`;
  const text = asText([...problems, seen.detail ?? ''].join('\n'));
  return `${head}>\n      <failure message="${asText(problems[0] ?? '')}">${text}</failure>\n    </testcase>`;
}

function counts(verdicts: readonly Verdict[]): string {
  const failures = verdicts.filter(({ problems }) => problems.length > 0).length;
  return `tests="${verdicts.length}" failures="${failures}" errors="0" skipped="0"`;
}
