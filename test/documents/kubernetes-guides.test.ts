/**
 * The two guides to Kubernetes: what they tell people to type, to open and to look for is there.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../manifests/faults.ts';
import { listAt, textAt } from '../manifests/json.ts';
import { parseYaml } from '../manifests/objects.ts';
import { root } from './snippets.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const kubernetes = read('docs/guides/kubernetes.md');
const production = read('docs/guides/production.md');

function found(text: string, pattern: RegExp): readonly string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, word = '']) => word))];
}

for (const [name, text] of [
  ['kubernetes.md', kubernetes],
  ['production.md', production],
] as const) {
  test(`${name}: its npm commands are commands`, () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = found(text, /npm run ([\w:]+)/g);
    assert.ok(named.length > 0);
    for (const script of named) assert.ok(Object.hasOwn(scripts, script), script);
  });

  test(`${name}: what it says after "npm run kind --" is in the program's usage`, () => {
    const usage = read('packages/local-stack/src/kind/kind.ts');
    const words = found(text, /npm run kind -- ([a-z-]+)/g);
    assert.ok(words.length > 0);
    for (const word of words) assert.match(usage, new RegExp(`^ {2}${word}\\b`, 'm'), word);
  });

  test(`${name}: files and folders of the cluster that it names are there`, () => {
    const paths = found(text, /`((?:kind|tilt|docs|packages)\/[\w./-]+)`/g);
    assert.ok(name !== 'kubernetes.md' || paths.length > 10);
    for (const path of paths) assert.ok(existsSync(join(root, path)), path);
  });
}

test('kubernetes.md: its table of rules has each rule that finds a planted fault', () => {
  const rules = new Set(FAULTS.map(({ rule }) => rule));
  const named = found(kubernetes, /`([a-z]+(?:-[a-z]+)+)`/g);
  // What could not be judged is no rule of the manifests.
  assert.deepEqual(
    [...rules].filter((rule) => rule !== 'not-judged' && !named.includes(rule)),
    [],
  );
});

test('production.md: it names each of our alerts, and no other', () => {
  const [rules] = parseYaml(read('packages/telemetry/collector/alerts.yaml'), 'alerts.yaml');
  const alerts = listAt(rules, 'groups')
    .flatMap((group) => listAt(group, 'rules'))
    .map((rule) => textAt(rule, 'alert'));
  const section = production.split('## Alerts')[1]?.split('Beside them')[0] ?? '';
  assert.deepEqual(found(section, /`([A-Z]\w+)`/g), alerts);
});

test('production.md: each section says what was run', () => {
  const sections = production.split(/^## /m).slice(1);
  assert.ok(sections.length >= 10);
  for (const section of sections)
    assert.match(section, /\*(Run|Read|Checked)\*|^Which topology/, section.split('\n')[0]);
});
