/** Status details: what a guard writes is tested on the wire; here what a client must not trip over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { errorInfoOf } from './to-grpc-status.ts';

test('grpc status details: what is no google.rpc.Status is no ErrorInfo', () => {
  const metadata = new Metadata();
  assert.equal(errorInfoOf({ metadata }), undefined);
  for (const bytes of ['', 'garbage', '\u001a\u0005abc', '\b\u0007']) {
    metadata.set('grpc-status-details-bin', Buffer.from(bytes));
    assert.equal(errorInfoOf({ metadata }), undefined);
  }
});
