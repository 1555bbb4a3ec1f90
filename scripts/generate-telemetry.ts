/**
 * Writes docs/reference/telemetry.md from the registry of attributes and metrics. `--check` writes nothing and fails when
 * the page is not current.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ATTRIBUTE_DEFINITIONS, LOG_FIELDS, METRIC_DEFINITIONS } from '../packages/telemetry/src/index.ts';

const page = join(fileURLToPath(new URL('../', import.meta.url)), 'docs/reference/telemetry.md');
const text = pageOf();
if (!process.argv.includes('--check')) writeFileSync(page, text);
else if (read(page) !== text) {
  console.error('telemetry: docs/reference/telemetry.md is not current: npm run generate');
  process.exitCode = 1;
}

function pageOf(): string {
  return `# Telemetry: names

Made by \`npm run generate\` from the registry ([attributes.ts](../../packages/telemetry/src/attributes.ts),
[metric-names.ts](../../packages/telemetry/src/metric-names.ts), [log-fields.ts](../../packages/telemetry/src/log-fields.ts)). A test proves that whatever the services export is here or
in OpenTelemetry's semantic conventions. How to collect it: [packages/telemetry/collector](../../packages/telemetry/collector/README.md).

## Attributes

An identity is only ever what this process verified itself: on the connection (\`spiffe.peer.id\`) or in a signed caller chain
(\`spiffe.origin.id\`, \`spiffe.chain\`). Baggage is neither read nor sent on. Trace context is taken from verified peers alone, so the
edge begins a new trace for a browser; what a peer can choose by it is which trace its own call stands in, never who it is.

| attribute | in a log line | type | says | level | on | example |
| --- | --- | --- | --- | --- | --- | --- |
${attributeRows().join('\n')}

\`required\`: always there. \`conditional\`: where there is such a thing (a call without a chain has no origin).

## Metrics

Sent when \`OTEL_EXPORTER_OTLP_ENDPOINT\` or \`OTEL_METRICS_EXPORTER\` says so; otherwise nothing is counted. Labels are bounded: codes
of closed lists, and at most 100 values of rules, reasons and operations in a process, all further ones as \`other\`. Who was
refused is in the log, never in a label. The HTTP metrics of OpenTelemetry's conventions come beside these.

| metric | kind | unit | says | labels |
| --- | --- | --- | --- | --- |
${metricRows().join('\n')}

## Logs

Each JSON line is also a log record when \`OTEL_EXPORTER_OTLP_ENDPOINT\` or \`OTEL_LOGS_EXPORTER\` says so: the event is its name, the
line's IDs are its trace context, the other fields are its attributes under the names that the line has. Decisions go out as
records of the decision log (\`authz.decision\`) instead. What is censored in the line is censored in the record.

Beside the fields that the first table names, and \`time\`, \`level\`, \`service\`, \`trace_id\`, \`span_id\` and \`message\`:

| field | says | on |
| --- | --- | --- |
${fieldRows().join('\n')}
`;
}

function attributeRows(): string[] {
  return Object.entries(ATTRIBUTE_DEFINITIONS).map(([name, { type, brief, example, level, on, logField }]) =>
    row([
      `\`${name}\``,
      logField === undefined ? '' : `\`${logField}\``,
      type,
      brief,
      level,
      on.join(', '),
      `\`${example}\``,
    ]),
  );
}

function metricRows(): string[] {
  return Object.entries(METRIC_DEFINITIONS).map(([name, { kind, unit, brief, labels }]) =>
    row([`\`${name}\``, kind, `\`${unit}\``, brief, labels.map((label) => `\`${label}\``).join(', ')]),
  );
}

function fieldRows(): string[] {
  return Object.entries(LOG_FIELDS).map(([name, { brief, events }]) =>
    row([`\`${name}\``, brief, events.map((event) => (event === 'all' ? event : `\`${event}\``)).join(', ')]),
  );
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
