import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LogRecord } from '../part.ts';
import { findProblems } from './judge.ts';
import { describeAll, describeVerdict } from './report.ts';

const attempt = { refusedBy: 'backend', reason: { code: 'PEER_NOT_AUTHORIZED', transport: 'grpc' } } as const;
const seen = { saw: 'connection closed', letIn: false, port: 1234 };
const record: LogRecord = {
  event: 'refused',
  code: 'PEER_NOT_AUTHORIZED',
  transport: 'grpc',
  rule: 'the rule',
  expected: 'X',
  got: 'Y',
  remote: { port: 1234 },
};

describe('the proper reason', () => {
  const cases: [name: string, problems: number, saw: typeof seen, found: LogRecord | undefined][] = [
    ['refused as it should be', 0, seen, record],
    ['let in', 1, { ...seen, letIn: true }, record],
    ['no record of it', 1, seen, undefined],
    ['let in without a record', 2, { ...seen, letIn: true }, undefined],
    ['another code', 1, seen, { ...record, code: 'EXPIRED' }],
    ['another transport', 1, seen, { ...record, transport: 'https' }],
    ['no code at all', 1, seen, { event: 'refused', transport: 'grpc' }],
  ];
  for (const [name, count, saw, found] of cases) {
    it(`${name}: ${count === 0 ? 'passes' : 'does not pass'}`, () =>
      assert.equal(findProblems(attempt, saw, found).length, count));
  }
});

describe('the report', () => {
  const whole = { name: 'backend over gRPC', run: () => Promise.resolve(seen), isAbout: () => true, ...attempt };
  it('says what was seen, expected and got, the rule, the port and the remedy', () => {
    const told = { ...record, remedy: 'do this' };
    const text = describeVerdict({ attempt: whole, observation: seen, record: told, problems: [] });
    for (const part of [
      'refused  backend over gRPC',
      'connection closed',
      'PEER_NOT_AUTHORIZED',
      'the rule',
      'X',
      'Y',
      '1234',
      'remedy    do this',
    ])
      assert.ok(text.includes(part), part);
  });
  it('counts, and never calls a problem a pass', () => {
    const verdict = { attempt: whole, observation: seen, record, problems: ['wrong'] };
    assert.match(describeAll([verdict]), /^0 of 1 refused, 1 not as they should be/);
    assert.match(describeVerdict(verdict), /^PROBLEM /);
  });
});
