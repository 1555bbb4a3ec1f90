/** The configuration in collector/ speaks of metrics by Prometheus' names; here they are compared with the registry. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ATTRIBUTES } from './attributes.ts';
import { METRIC_DEFINITIONS, type MetricDefinition } from './metric-names.ts';

const read = (name: string) => readFileSync(new URL(`../collector/${name}`, import.meta.url), 'utf8');
/** Labels that Prometheus' exporter adds from the resource. */
const LABELS = new Set(Object.values(ATTRIBUTES).map((name) => name.replaceAll('.', '_')));
const NAMES = new Set(
  Object.entries(METRIC_DEFINITIONS).flatMap(([name, definition]) => prometheusNames(name, definition)),
);

/** As the Collector's Prometheus exporter writes them: the unit spelt out, `_total` after counters. */
function prometheusNames(name: string, { kind, unit }: MetricDefinition): string[] {
  const base = `${name.replaceAll('.', '_')}${unit === 's' ? '_seconds' : ''}`;
  if (kind === 'histogram') return [`${base}_bucket`, `${base}_count`, `${base}_sum`];
  return [kind.endsWith('counter') ? `${base}_total` : base];
}

/** Words of a text that can only be a metric or one of its labels. */
function wordsOf(text: string): Set<string> {
  return new Set(text.match(/\b(?:spiffe|authz|caller_chain|refusal|svid)_\w+/g));
}

for (const file of ['alerts.yaml', 'alerts.test.yaml', 'grafana/dashboard.json']) {
  test(`${file} asks for nothing that no service exports`, () => {
    const words = [...wordsOf(read(file))];
    assert.ok(words.length > 5);
    assert.deepEqual(
      words.filter((word) => !NAMES.has(word) && !LABELS.has(word)),
      [],
    );
  });
}

test('the dashboard shows every metric of the registry but the one that alerts compare with', () => {
  const words = wordsOf(read('grafana/dashboard.json'));
  const unseen = Object.entries(METRIC_DEFINITIONS)
    .filter(([name, definition]) => !prometheusNames(name, definition).some((known) => words.has(known)))
    .map(([name]) => name);
  assert.deepEqual(unseen, ['spiffe.svid.lifetime']);
});

describe('alerts', () => {
  const tests = read('alerts.test.yaml');
  for (const [, alert] of read('alerts.yaml').matchAll(/- alert: (\w+)/g)) {
    test(`${alert} is seen to fire`, () => {
      assert.match(tests, new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:`));
    });
  }
});

test('nothing of the configuration listens beyond this machine', () => {
  for (const file of ['otel-collector.yaml', 'jaeger.yaml'])
    for (const [, endpoint] of read(file).matchAll(/endpoint: (\S+)/g))
      assert.match(endpoint ?? '', /^127\.0\.0\.1:\d+$/);
});
