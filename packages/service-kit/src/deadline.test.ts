import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CALL_TIMEOUT_MS,
  deadlineOfCall,
  deadlineOfHeaders,
  nextHopDeadline,
  remainingMs,
  startDeadline,
} from './deadline.ts';

/** What is left of a deadline, in steps coarse enough for a busy machine. */
const left = (deadline: number) => Math.round(remainingMs(deadline) / 500) * 500;

const table: Array<[string, string | undefined, number]> = [
  ['no header', undefined, CALL_TIMEOUT_MS],
  ['less than our own limit', '1000', 1000],
  ['more than our own limit', '60000', CALL_TIMEOUT_MS],
  ['no time at all', '0', 0],
  ['a negative number', '-1', CALL_TIMEOUT_MS],
  ['a fraction', '1.5', CALL_TIMEOUT_MS],
  ['a number too large to be one', '9'.repeat(400), CALL_TIMEOUT_MS],
  ['no number', 'soon', CALL_TIMEOUT_MS],
];
for (const [name, header, expected] of table) {
  test(`${name}: ${expected} ms are left`, () => {
    assert.equal(left(deadlineOfHeaders(header === undefined ? {} : { 'countersign-timeout-ms': header })), expected);
  });
}

test('over gRPC the call says, and our own limit holds all the same', () => {
  assert.equal(left(deadlineOfCall({ getDeadline: () => new Date(Date.now() + 1000) })), 1000);
  assert.equal(left(deadlineOfCall({ getDeadline: () => Number.POSITIVE_INFINITY })), CALL_TIMEOUT_MS);
});

test('each hop leaves less for the next', () => {
  const deadline = startDeadline();
  assert.ok(nextHopDeadline(deadline) < deadline);
  assert.equal(remainingMs(Date.now() - 1), 0);
});
