/**
 * Writes docs/reference/refusals.md from the registry of refusals. `--check` writes nothing and fails when the page is not
 * current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { REFUSALS, type RefusalRow, type RefusalStage, type RefusalTable, STAGES } from '@countersign/refusals';

const page = new URL('../docs/reference/refusals.md', import.meta.url);
const order: readonly RefusalStage[] = ['handshake', 'peer', 'chain', 'policy', 'handler', 'edge'];

const text = `# Refusals

Made by \`npm run generate\` from \`packages/refusals\`; \`npm run check\` proves that it is current, and a test that every code which
is raised is here and no other. Which error class has which code is in [errors.md](errors.md); where to begin with a symptom, in
[troubleshooting](../guides/troubleshooting.md).

The side that refuses writes a line with \`stage\`, \`code\`, \`rule\`, \`expected\`, \`got\`, \`decision_id\` and \`remedy\`, as far as there are
such, and puts \`refusal.stage\` and \`refusal.code\` on the span of the call. The refused side gets the safe part alone. With
\`COUNTERSIGN_DEVELOPMENT=1\` the answers of a guard also have \`rule\`, \`expected\`, \`got\` and \`remedy\`.

| stage | what is refused, by whom | the line | the safe part |
| --- | --- | --- | --- |
${order.map((stage) => `| [\`${stage}\`](#${stage}) | ${STAGES[stage].title} | ${STAGES[stage].logged} | ${STAGES[stage].safe} |`).join('\n')}
${order.map(section).join('')}`;

if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (readPage() !== text) {
  console.error('refusals: docs/reference/refusals.md is not current: npm run generate');
  process.exitCode = 1;
}

function section(stage: RefusalStage): string {
  const table: RefusalTable = REFUSALS[stage];
  const rows = Object.entries(table).flatMap(([code, row]) => [describe(`\`${code}\``, row), ...reasonsOf(row)]);
  return `
## ${stage}

| code | rule that is broken | the refused side sees | \`expected\` / \`got\` | remedy |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function describe(code: string, { rule, sees, expected, got, remedy }: RefusalRow): string {
  const { connection, http, grpc } = sees;
  const seen = [
    connection,
    http === undefined ? undefined : `HTTP ${http}`,
    grpc === undefined ? undefined : `gRPC ${grpc}`,
  ];
  const facts = expected === undefined && got === undefined ? '' : `${expected ?? 'none'} / ${got ?? 'none'}`;
  return row(code, rule, seen.filter((part) => part !== undefined).join(', '), facts, remedy);
}

/** Each by the word that the log has for it, under its code. */
function reasonsOf({ reasons = {} }: RefusalRow): string[] {
  return Object.entries(reasons).map(([word, { rule, remedy }]) => row(`— ${word}`, rule, '', '', remedy));
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function readPage(): string {
  try {
    return readFileSync(page, 'utf8');
  } catch {
    return '';
  }
}
