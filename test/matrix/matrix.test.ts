/**
 * The deny matrix as a test, so that it guards main: each cell is a case of its own.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { spireFromEnv } from '@countersign/local-stack';
import { listCells } from './cells.ts';
import { findProblems } from './outcome.ts';
import { toHtml } from './report-html.ts';
import { toJunit } from './report-junit.ts';
import { describeTerminal } from './report-terminal.ts';
import { runCells, type Verdict } from './run.ts';
import { type OwnWorld, openWorld } from './world.ts';

const cells = listCells();
let world: OwnWorld | undefined;
let verdicts: ReadonlyMap<unknown, Verdict> = new Map();

before(async () => {
  world = await openWorld({ env: process.env, spire: spireFromEnv(process.env) });
  verdicts = new Map((await runCells(world, cells)).map((verdict) => [verdict.cell, verdict]));
});

after(() => world?.[Symbol.asyncDispose]());

for (const [attack, each] of Map.groupBy(cells, (cell) => cell.attack)) {
  describe(attack, () => {
    for (const cell of each) {
      test(`${cell.caller} | ${cell.way.name}`, () => {
        const verdict = verdicts.get(cell);
        assert.deepEqual(verdict?.problems, [], verdict?.seen.detail);
      });
    }
  });
}

test('every cell is tried, wherever identities come from', () => {
  assert.equal(world?.provider, spireFromEnv(process.env) === undefined ? 'embedded' : 'spire');
  assert.equal(verdicts.size, cells.length);
});

describe('each report says whose identities were attacked', () => {
  for (const [provider, words] of [
    ['embedded', 'identities from the development trust domain'],
    ['spire', 'identities from SPIRE'],
  ] as const) {
    const result = { provider, verdicts: [] };
    test(`terminal: ${provider}`, () => assert.ok(describeTerminal(result, false).includes(words)));
    test(`HTML: ${provider}`, () => assert.ok(toHtml(result, new Date(0)).includes(words)));
    test(`JUnit: ${provider}`, () => assert.ok(toJunit(result).includes(words)));
  }
});

test('refusals outnumber what is let in', () => {
  const all = [...verdicts.values()];
  const letIn = all.filter(({ expected }) => expected.verdict === 'in').length;
  assert.ok(letIn > 0 && all.length - letIn > 2 * letIn, `${letIn} of ${all.length}`);
});

describe('a cell does not pass', () => {
  const record = { program: 'backend', event: 'refused', fields: { code: 'EXPIRED' } } as const;
  const expected = { verdict: 'no', reason: 'EXPIRED', wire: 'closed', records: [record] } as const;
  const seen = { wire: 'closed', port: 1 };
  const found = { expected: record, record: { code: 'EXPIRED' } };
  const cases: [name: string, problems: number, ...Parameters<typeof findProblems>][] = [
    ['unless both ends say so', 0, expected, seen, [found]],
    ['when it was let in', 1, expected, { ...seen, wire: 'HTTP 200' }, [found]],
    ['when the server wrote nothing', 1, expected, seen, [{ ...found, record: undefined }]],
    ['for another reason', 1, expected, seen, [{ ...found, record: { code: 'NO_BUNDLE' } }]],
    ['without a reason', 1, expected, seen, [{ ...found, record: {} }]],
    ['when nobody looked', 1, expected, seen, []],
  ];
  for (const [name, count, ...parts] of cases) {
    test(name, () => assert.equal(findProblems(...parts).length, count));
  }
});
