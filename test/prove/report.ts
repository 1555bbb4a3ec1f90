/** The report: Markdown for people, JSON for programs, and a few lines on the terminal while it runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, PROPERTIES, type Property } from './experiment.ts';
import { type Step, show } from './notebook.ts';
import { type Provider, providerInWords } from './trust.ts';

/** A whole run. */
export interface Report {
  readonly startedAt: string;
  readonly durationMs: number;
  readonly provider: Provider;
  readonly node: string;
  readonly outcomes: readonly Outcome[];
}

/** Whether every claim holds, every contrast contrasts, and there was something to show. */
export function isProven({ outcomes }: Pick<Report, 'outcomes'>): boolean {
  return outcomes.some(({ verdict }) => verdict === 'holds') && outcomes.every(({ verdict }) => verdict !== 'fails');
}

/** Writes `report.md` and `report.json`; gives the path of the first. */
export function writeReport(folder: string, report: Report): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  const path = join(folder, 'report.md');
  writeFileSync(path, toMarkdown(report));
  return path;
}

/** The verdict in words: of a contrast, that the attack succeeds is what was to be shown. */
export function verdictInWords({ kind, verdict }: Pick<Outcome, 'kind' | 'verdict'>): string {
  if (verdict === 'n/a') return 'not applicable here';
  if (kind === 'contrast') return verdict === 'holds' ? 'the attack succeeds, as it is to' : 'NOT SHOWN';
  return verdict === 'holds' ? 'holds' : 'FAILS';
}

/** The report as a document. */
export function toMarkdown(report: Report): string {
  const { startedAt, durationMs, provider, node, outcomes } = report;
  const properties = (Object.keys(PROPERTIES) as Property[]).filter((name) =>
    outcomes.some(({ property }) => property === name),
  );
  return [
    '# Proof of the four properties',
    '',
    `${isProven(report) ? 'Every claim holds.' : 'NOT PROVEN: see below.'} Identities from ${providerInWords(provider)}, Node ${node}, begun ${startedAt}, took ${(durationMs / 1_000).toFixed(1)} s.`,
    '',
    '| | what | verdict | checks |',
    '| --- | --- | --- | --- |',
    ...outcomes.map(
      (outcome) => `| ${outcome.id} | ${outcome.title} | ${verdictInWords(outcome)} | ${countChecks(outcome)} |`,
    ),
    '',
    ...properties.flatMap((name) => [
      `## ${name} ${PROPERTIES[name]}`,
      '',
      ...outcomes.filter(({ property }) => property === name).flatMap(outcomeToMarkdown),
    ]),
  ].join('\n');
}

function countChecks({ steps }: Outcome): string {
  const checks = steps.flatMap((step) => step.checks);
  return `${checks.filter(({ holds }) => holds).length} of ${checks.length}`;
}

function outcomeToMarkdown(outcome: Outcome): string[] {
  const kind = outcome.kind === 'contrast' ? 'Contrast. ' : '';
  return [
    `### ${outcome.id} ${outcome.title}`,
    '',
    `${kind}Verdict: ${verdictInWords(outcome)} (${outcome.durationMs} ms).`,
    ...(outcome.error === undefined ? [] : ['', `It ended before its time: ${cell(outcome.error)}`]),
    '',
    ...outcome.steps.flatMap(stepToMarkdown),
  ];
}

function stepToMarkdown({ text, measured, checks, notApplicable }: Step): string[] {
  return [
    `${text}:`,
    '',
    ...(notApplicable === undefined ? [] : [`Not applicable here: ${notApplicable}`, '']),
    ...(measured.length === 0 ? [] : [...measured.map(({ name, value }) => `- ${name}: ${cell(show(value))}`), '']),
    ...(checks.length === 0
      ? []
      : [
          '| what | must be | is | |',
          '| --- | --- | --- | --- |',
          ...checks.map(
            ({ what, expected, got, holds }) =>
              `| ${cell(what)} | ${cell(expected)} | ${cell(got)} | ${holds ? 'ok' : '**WRONG**'} |`,
          ),
          '',
        ]),
  ];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** What is printed when an experiment has ended: each step with its evidence. */
export function toTerminal(outcome: Outcome): string {
  const lines = outcome.steps.flatMap(({ text, measured, checks, notApplicable }) => [
    `  ${text}`,
    ...(notApplicable === undefined ? [] : [`      n/a: ${notApplicable}`]),
    ...measured.map(({ name, value }) => `      ${name}: ${show(value)}`),
    ...checks.map(({ what, expected, got, holds }) =>
      holds ? `    + ${what}: ${got}` : `    ! ${what}: must be ${expected}, is ${got}`,
    ),
  ]);
  const error = outcome.error === undefined ? [] : [`    ! it ended before its time: ${outcome.error}`];
  return [...lines, ...error, `  => ${verdictInWords(outcome)} (${(outcome.durationMs / 1_000).toFixed(1)} s)`].join(
    '\n',
  );
}
