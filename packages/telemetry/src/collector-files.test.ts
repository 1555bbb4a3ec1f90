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
  for (const file of ['otel-collector.yaml', 'jaeger.yaml']) {
    const endpoints = Array.from(
      read(file).matchAll(/(?:endpoint|host): (?:\$\{env:\w+:-)?([^\s}]+)/g),
      ([, it]) => it ?? '',
    );
    assert.ok(endpoints.length > 1);
    for (const endpoint of endpoints) assert.match(endpoint, /^127\.0\.0\.1(:\d+)?$/);
  }
});

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly targets: ReadonlyArray<{ readonly refId: string; readonly expr: string; readonly legendFormat: string }>;
}
interface Variable {
  readonly name: string;
  readonly query: string;
  readonly datasource: { readonly uid: string };
}

describe('the dashboard, as far as it can be judged without Grafana', () => {
  const dashboard: { panels: readonly Panel[]; templating: { list: readonly Variable[] } } = JSON.parse(
    read('grafana/dashboard.json'),
  );
  const { panels } = dashboard;
  const variables = dashboard.templating.list;
  const targets = panels.flatMap((panel) => panel.targets);
  const isUnique = (values: readonly unknown[]) => new Set(values).size === values.length;

  test('IDs and titles are unique, queries of a panel too', () => {
    assert.ok(panels.length > 5);
    assert.ok(isUnique(panels.map(({ id }) => id)) && isUnique(panels.map(({ title }) => title)));
    for (const { title, targets: own } of panels) assert.ok(isUnique(own.map(({ refId }) => refId)), title);
  });

  test('panels lie beside each other on a page of 24 columns', () => {
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) => {
      assert.ok(x + w <= 24);
      return Array.from({ length: h * w }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
    });
    assert.ok(isUnique(cells));
  });

  test('every data source is one that datasources.yaml makes', () => {
    const made = new Set(Array.from(read('grafana/datasources.yaml').matchAll(/uid: (\S+)/g), ([, uid]) => uid));
    for (const { datasource } of [...panels, ...variables]) assert.ok(made.has(datasource.uid), datasource.uid);
  });

  test('every variable is defined and used, and is a list of services', () => {
    const used = new Set(targets.flatMap(({ expr }) => Array.from(expr.matchAll(/\$(\w+)/g), ([, name]) => name)));
    assert.deepEqual(
      [...used],
      variables.map(({ name }) => name),
    );
    for (const { query } of variables) {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
      assert.ok(metric !== undefined && NAMES.has(metric) && label === 'job', query);
    }
    for (const { expr } of targets) assert.match(expr, /\{job=~"\$service"\}/);
  });

  test('a legend names only labels that its query keeps', () => {
    for (const { expr, legendFormat } of targets) {
      const kept = /\bby \(([^)]*)\)/.exec(expr)?.[1]?.split(', ');
      const named = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label ?? '');
      for (const label of named)
        assert.ok(kept?.includes(label) ?? (label === 'job' || LABELS.has(label)), legendFormat);
    }
  });
});
