/**
 * The lints, against a small system in which nothing is wrong, broken in one way at a time. What people apply is checked by
 * scripts/check-kind.mjs, which needs kubectl; this needs nothing.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { applyExceptions } from './exceptions.ts';
import { FAULTS } from './faults.ts';
import { formatFinding } from './findings.ts';
import { fixtureWorld } from './fixture.ts';
import { OBJECT_LINTS, SYSTEM_LINTS } from './lints/index.ts';
import { runLints } from './run-lints.ts';
import { schemaFaults } from './schemas/schema-check.ts';

const sound = fixtureWorld();
const ALL = [...OBJECT_LINTS, ...SYSTEM_LINTS];

it('the system without a fault has no finding', () => {
  assert.ok(sound.objects.length > 25);
  assert.deepEqual([...schemaFaults(sound.objects), ...runLints(ALL, sound)].map(formatFinding), []);
});

describe('a planted fault is found, by rule and object', () => {
  for (const { rule, title, names, plant } of FAULTS) {
    it(`${rule}: ${title}`, () => {
      const found = runLints(ALL, plant(sound)).filter((finding) => finding.rule === rule);
      assert.notDeepEqual(found, [], 'not found');
      assert.match(found.map(({ object }) => object).join('; '), names);
    });
  }
});

it('every rule has a fault that shows it', () => {
  const broken = new Set(FAULTS.flatMap(({ plant }) => runLints(ALL, plant(sound)).map(({ rule }) => rule)));
  const planted = new Set(FAULTS.map(({ rule }) => rule));
  assert.deepEqual(
    [...broken].filter((rule) => !planted.has(rule)),
    [],
  );
  assert.ok(planted.size >= 28, `${planted.size}`);
});

it('every lint has a fault that it sees', () => {
  const worlds = FAULTS.map(({ plant }) => plant(sound));
  const blind = ALL.filter((lint) => !worlds.some((world) => runLints([lint], world).length > 0));
  assert.deepEqual(
    blind.map(({ name }) => name),
    [],
  );
});

describe('exceptions', () => {
  const finding = { rule: 'read-only-root', object: 'Deployment a/b', says: 'it must' };
  const exception = { system: 'fixture', rule: 'read-only-root', objects: /^Deployment a\/b$/, why: 'a test' };

  it('one that is meant is no finding', () => {
    assert.deepEqual(applyExceptions('fixture', [finding], [exception]), []);
  });

  it('it counts for its own system, rule and objects alone', () => {
    const elsewhere = { ...finding, object: 'Deployment a/c' };
    assert.deepEqual(applyExceptions('fixture', [finding, elsewhere], [exception]), [elsewhere]);
    assert.deepEqual(applyExceptions('other', [finding], [exception]), [finding]);
    const other = { ...finding, rule: 'pod-security' };
    assert.deepEqual(applyExceptions('fixture', [finding, other], [exception]), [other]);
  });

  it('one that is not needed is a finding', () => {
    assert.deepEqual(
      applyExceptions('fixture', [], [exception]).map(({ rule }) => rule),
      ['exception-needed'],
    );
  });
});
