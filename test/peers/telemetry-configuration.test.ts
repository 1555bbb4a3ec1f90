/**
 * The shipped telemetry configuration as the real programs read it: promtool takes Prometheus' file, tries every alert, and
 * parses what the dashboard asks; the Collector takes its own. Each alert is also broken here, to see that its test notices.
 */
import assert from 'node:assert/strict';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { COLLECTOR_FILES, dashboardQueries } from './dashboard.ts';
import { peerProgram } from './interop.ts';
import { runProgram, scratchDirectory } from './program.ts';

const promtool = peerProgram('promtool');
const collector = peerProgram('otelcol-contrib');
const read = (name: string) => readFile(join(COLLECTOR_FILES, name), 'utf8');
const alerts = await read('alerts.yaml');

function run(t: TestContext, command: string, args: readonly string[], cwd = COLLECTOR_FILES) {
  return runProgram(t, { command, args, cwd });
}

test('promtool takes the alerts, without a lint', async (t) => {
  const { code, text } = await run(t, promtool, ['check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yaml']);
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`SUCCESS: ${alerts.match(/- alert: /g)?.length} rules found`));
});

test('every alert fires for its reason and is quiet beside it', async (t) => {
  const { code, text } = await run(t, promtool, ['test', 'rules', 'alerts.test.yaml']);
  assert.equal(code, 0, text);
  assert.match(text, /SUCCESS/);
});

type Change = readonly [good: string, bad: string];

/** Per alert: the tests that it is about, and changes after which it does not do the same. */
const BROKEN: Readonly<Record<string, readonly [tests: string, ...Change[]]>> = {
  SvidExpiresSoon: ['SVID that is', ['0.25', '0.26'], ['0.25', '0.24'], ['for: 1m', 'for: 0s']],
  SvidExpired: ['SVID that is', ['<= 0', '< 0'], ['<= 0', '<= 60']],
  IdentityMissing: ['no identity', ['== 0', '== 1'], ['for: 2m', 'for: 1m']],
  BundleStale: [
    '(SVID that is|has changed)',
    [' > on', ' >= on'],
    ['max by', 'min by'],
    ['max by (job, instance)', ''],
  ],
  PolicyMissing: ['no policy', ['== 0', '== 1'], ['for: 30s', 'for: 0s']],
  PolicyStale: ['no policy', ['> 300', '>= 300']],
  RefusalSpike: ['steady', ['> 5 *', '> 50 *'], ['> 5 *', '> 0.5 *'], ['offset 5m', '']],
  RefusalBegan: ['never seen', ['unless', 'and'], ['> 0.2', '> 0.001']],
  DecisionLogDrops: ['records', ['state="dropped"', 'state="sent"'], ['[10m]', '[1m]']],
  CollectorDown: ['Collector', ['== 0', '== 1'], ['for: 2m', 'for: 0s']],
};

/** The alert's own lines, with one thing changed. */
function broken(name: string, good: string, bad: string): string {
  const start = alerts.indexOf(`- alert: ${name}\n`);
  const next = alerts.slice(start + 1).search(/- (alert|name): /);
  const end = next === -1 ? alerts.length : start + 1 + next;
  const rule = alerts.slice(start, end);
  assert.ok(start >= 0 && rule.includes(good), `${name} has ${good}`);
  return alerts.slice(0, start) + rule.replace(good, bad) + alerts.slice(end);
}

describe('an alert that is broken is noticed', () => {
  for (const [name, [tests, ...changes]] of Object.entries(BROKEN))
    for (const [good, bad] of changes)
      test(`${name}: ${good} for ${bad || 'nothing'}`, async (t) => {
        const directory = await scratchDirectory(t);
        await writeFile(join(directory, 'alerts.yaml'), broken(name, good, bad));
        await copyFile(join(COLLECTOR_FILES, 'alerts.test.yaml'), join(directory, 'alerts.test.yaml'));
        assert.equal((await run(t, promtool, ['check', 'rules', 'alerts.yaml'], directory)).code, 0);
        const { code, text } = await run(
          t,
          promtool,
          ['test', 'rules', `--run=${tests}`, 'alerts.test.yaml'],
          directory,
        );
        assert.equal(code, 1, text);
        assert.match(text, new RegExp(`FAILED:[^]*(alertname|rule): ${name}\\b`));
      });

  test('and none is left out', () => {
    const names = Array.from(alerts.matchAll(/- alert: (\w+)/g), ([, name]) => name);
    assert.deepEqual(Object.keys(BROKEN), names);
  });
});

test("promtool takes Prometheus' file, with the alerts that it names", async (t) => {
  const { code, text } = await run(t, promtool, ['check', 'config', 'prometheus.yaml']);
  assert.equal(code, 0, text);
  assert.match(text, /SUCCESS: 1 rule files found/);
});

/** As recording rules, which promtool parses: JSON is YAML. */
async function checkQueries(t: TestContext, queries: readonly string[]) {
  const rules = queries.map((expr, index) => ({ record: `panel:${index}`, expr }));
  const directory = await scratchDirectory(t);
  await writeFile(join(directory, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  return run(t, promtool, ['check', 'rules', 'rules.yaml'], directory);
}

test('every query of the dashboard parses', async (t) => {
  const queries = (await dashboardQueries()).map(({ expr }) => expr);
  const { code, text } = await checkQueries(t, queries);
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`SUCCESS: ${queries.length} rules found`));
});

for (const query of ['rate(authz_refusals_total{job=~".*"})', 'sum by (job (spiffe_svid_available)', 'a{job=~"["}'])
  test(`and one that is wrong does not: ${query}`, async (t) => {
    const { code, text } = await checkQueries(t, [query]);
    assert.equal(code, 1, text);
    assert.match(text, /could not parse expression|parse error/);
  });

test('the Collector takes its file', async (t) => {
  const { code, text } = await run(t, collector, ['validate', '--config', 'otel-collector.yaml']);
  assert.deepEqual([code, text], [0, '']);
});

const MISTAKES: ReadonlyArray<readonly [what: string, good: string, bad: string, says: RegExp]> = [
  ['a setting that there is not', 'limit_mib', 'limit_mb', /limit_mb/],
  [
    'a pipeline to an exporter that is not there',
    'exporters: [prometheus]',
    'exporters: [prometheus/2]',
    /prometheus\/2/,
  ],
  ['a duration that is none', 'timeout: 1s', 'timeout: soon', /timeout/],
  ['a component of another program', '  debug/logs:\n', '  loki/logs:\n', /loki/],
];

for (const [what, good, bad, says] of MISTAKES)
  test(`and refuses ${what}`, async (t) => {
    const directory = await scratchDirectory(t);
    const configuration = await read('otel-collector.yaml');
    assert.ok(configuration.includes(good));
    await writeFile(join(directory, 'wrong.yaml'), configuration.replace(good, bad));
    const { code, text } = await run(t, collector, ['validate', '--config', 'wrong.yaml'], directory);
    assert.notEqual(code, 0);
    assert.match(text, says);
  });
