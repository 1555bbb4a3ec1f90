/**
 * The grid as one HTML file that needs nothing else: a table that screen readers can walk, and a page of evidence below it.
 */

import { summary } from './report-terminal.ts';
import type { Result, Verdict } from './run.ts';
import { WAYS } from './table.ts';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 110rem; padding: 0 1rem }
table { border-collapse: collapse; font-size: .85rem } caption { text-align: left; font-weight: 600; padding: .5rem 0 }
th, td { border: 1px solid #8886; padding: .25rem .5rem; vertical-align: top } thead th { vertical-align: bottom }
tbody th { text-align: left; white-space: nowrap } .grid td { text-align: center } .scroll { overflow-x: auto }
.in { background: #1b7f3b; color: #fff } .no { background: #cdeed6; color: #06371a } .limit { background: #f5d76e; color: #332800 }
.failed { background: #b3261e; color: #fff; font-weight: 700 } td a { color: inherit }
pre { white-space: pre-wrap; margin: .25rem 0; max-width: 60rem } code { font-size: .85em }`;

/** The page. */
export function toHtml(result: Result, madeAt: Date): string {
  const { verdicts } = result;
  const rows = groupBy(verdicts, ({ cell }) => `${cell.caller}\n${cell.attack}`);
  const used = WAYS.filter(({ name }) => verdicts.some(({ cell }) => cell.way.name === name));
  const head = used.map(({ name }) => `<th scope="col">${asText(name)}</th>`).join('');
  const numbered = new Map(verdicts.map((verdict, index) => [verdict, index]));
  const grid = [...rows.values()].map((row) =>
    gridRow(
      row,
      used.map(({ name }) => name),
      numbered,
    ),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Deny matrix</title><style>${STYLE}</style></head><body>
<h1>Deny matrix</h1>
<p>${asText(summary(result))}. Made ${madeAt.toISOString()}.</p>
<div class="scroll"><table class="grid"><caption>Who gets what, by caller, attack and way</caption>
<thead><tr><th scope="col">caller</th><th scope="col">attack</th>${head}</tr></thead>
<tbody>${grid.join('\n')}</tbody></table></div>
<h2>Evidence</h2>
<div class="scroll"><table><caption>Each cell with what was expected and what was seen</caption>
<thead><tr>${['cell', 'caller', 'way', 'attack', 'expected', 'seen', "server's records"].map((title) => `<th scope="col">${title}</th>`).join('')}</tr></thead>
<tbody>${verdicts.map(evidenceRow).join('\n')}</tbody></table></div>
</body></html>
`;
}

function gridRow(row: readonly Verdict[], ways: readonly string[], numbered: ReadonlyMap<Verdict, number>): string {
  const [first] = row;
  if (first === undefined) return '';
  const cells = ways.map((way) => {
    const verdict = row.find(({ cell }) => cell.way.name === way);
    if (verdict === undefined) return '<td></td>';
    const { expected, problems } = verdict;
    const kind = problems.length > 0 ? 'failed' : expected.verdict;
    const text = { in: 'served', no: 'refused', limit: 'known limit', failed: 'WRONG' }[kind];
    return `<td class="${kind}"><a href="#c${numbered.get(verdict)}" title="${asText(expected.reason)}">${text}</a></td>`;
  });
  return `<tr><th scope="row">${asText(first.cell.caller)}</th><td>${asText(first.cell.attack)}</td>${cells.join('')}</tr>`;
}

function evidenceRow(verdict: Verdict, index: number): string {
  const { cell, expected, seen, found, problems } = verdict;
  const kind = problems.length > 0 ? 'failed' : expected.verdict;
  const wrong = problems.map((problem) => `<br><strong>${asText(problem)}</strong>`).join('');
  const detail = seen.detail === undefined ? '' : `<pre>${asText(seen.detail)}</pre>`;
  const records = found.map(({ record }) => `<pre>${asText(JSON.stringify(record) ?? 'none')}</pre>`).join('');
  return `<tr id="c${index}"><td class="${kind}">${kind}</td><td>${asText(cell.caller)}</td><td>${asText(cell.way.name)}</td>
<td>${asText(cell.attack)}</td><td><code>${asText(expected.wire)}</code><br>${asText(expected.reason)}</td>
<td><code>${asText(seen.wire)}</code>${wrong}${detail}</td><td>${records}</td></tr>`;
}

function groupBy(verdicts: readonly Verdict[], keyOf: (verdict: Verdict) => string): Map<string, Verdict[]> {
  return Map.groupBy(verdicts, keyOf);
}

/** For text and attribute values. */
export function asText(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  // Control characters are not allowed in XML at all.
  return text.replaceAll(/[&<>"]/g, (character) => names[character] ?? '').replaceAll(/[^\t\n\r\P{Cc}]/gu, '\u{fffd}');
}
