import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createComplaintFilter, describeRecord, isShown } from './terminal.ts';

describe('what is shown', () => {
  for (const [record, shown] of [
    [{ event: 'request', level: 'info' }, true],
    [{ event: 'refused', level: 'warn' }, true],
    [{ event: 'source-error', level: 'warn' }, true],
    [{ event: 'failed', level: 'fatal' }, true],
    [{ event: 'listening', level: 'info' }, false],
    [{ event: 'ready' }, false],
  ] as const) {
    it(`${record.event}: ${shown ? 'yes' : 'only in the file'}`, () => assert.equal(isShown(record), shown));
  }

  it('telemetry that can not be delivered: once a minute for each program, not in the first one', () => {
    let now = 0;
    const isNews = createComplaintFilter(() => now);
    const complaint = { event: 'telemetry', level: 'error' };
    assert.equal(isNews('backend', complaint), false);
    now = 60_000;
    assert.deepEqual([isNews('backend', complaint), isNews('backend', complaint)], [true, false]);
    assert.equal(isNews('customer', complaint), true);
    assert.equal(isNews('backend', { event: 'refused', level: 'warn' }), true);
    now = 120_000;
    assert.deepEqual([isNews('backend', complaint), isNews('backend', complaint)], [true, false]);
  });

  it('a refusal says which rule, expected and got', () => {
    const record = {
      event: 'refused',
      service: 'backend',
      transport: 'https',
      code: 'PEER_NOT_AUTHORIZED',
      expected: 'customer',
      got: 'rogue',
    };
    assert.equal(describeRecord(record), 'backend   refused https: PEER_NOT_AUTHORIZED, expected customer, got rogue');
  });

  it('a request says from whom, what became of it and how long it took', () => {
    const record = {
      event: 'request',
      service: 'backend',
      operation: 'GET /orders',
      peer: 'spiffe://example.org/web',
      status: 200,
      decision: 'allow',
      duration_ms: 3,
    };
    assert.equal(describeRecord(record), 'backend   GET /orders from spiffe://example.org/web: 200, allow, 3 ms');
  });
});
