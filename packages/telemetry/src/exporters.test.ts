import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configuredExporters } from './exporters.ts';

const all = { traces: true, metrics: true, logs: true };
const none = { traces: false, metrics: false, logs: false };
const tracesAlone = { ...none, traces: true };

const table: Array<[string, Record<string, string>, typeof all]> = [
  ['nothing set: nothing is exported', {}, none],
  ['an OTLP endpoint turns all on', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }, all],
  ['an empty endpoint is as good as none', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, none],
  ['a traces endpoint turns traces on', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x' }, tracesAlone],
  ['a named exporter is enough', { OTEL_TRACES_EXPORTER: 'otlp' }, tracesAlone],
  ['a logs endpoint turns logs on', { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://x' }, { ...none, logs: true }],
  [
    'none beats an endpoint',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_METRICS_EXPORTER: 'none' },
    { ...all, metrics: false },
  ],
  ['none in a list turns the signal off', { OTEL_TRACES_EXPORTER: 'otlp, none' }, none],
  ['a disabled SDK exports nothing', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_SDK_DISABLED: 'true' }, none],
];

for (const [name, env, expected] of table) {
  test(name, () => assert.deepEqual(configuredExporters(env), expected));
}
