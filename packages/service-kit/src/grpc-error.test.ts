import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Metadata, type ServiceError, status as Status } from '@grpc/grpc-js';
import { detailsOf, grpcError, invalidField, relayError } from './grpc-error.ts';
import { grpcToHttpProblem } from './grpc-to-http-problem.ts';

function failed(code: Status, details: string, metadata = new Metadata()): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe('typed details', () => {
  test('a reason survives', () => {
    const { code, details, metadata } = grpcError(Status.ALREADY_EXISTS, 'no', 'KEY_REUSED');
    assert.deepEqual([code, details, detailsOf({ metadata })], [Status.ALREADY_EXISTS, 'no', { reason: 'KEY_REUSED' }]);
  });
  test('a field survives', () => {
    const { code, metadata } = invalidField({ field: 'quantity', rule: 'must be small' });
    assert.deepEqual([code, detailsOf({ metadata })], [Status.INVALID_ARGUMENT, { field: 'quantity' }]);
  });
  test('bytes that are no details count as none', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from('ffffffff', 'hex'));
    assert.deepEqual(detailsOf({ metadata }), {});
  });
});

describe('passing an error on', () => {
  test('texts of the gRPC library stay here, because they name addresses', () => {
    const relayed = relayError(failed(Status.UNAVAILABLE, 'connect ECONNREFUSED 10.0.0.7:9444'));
    assert.deepEqual([relayed.code, relayed.details], [Status.UNAVAILABLE, 'the next service answered UNAVAILABLE']);
  });
  test('a hop that has tried again tells its caller not to', () => {
    assert.deepEqual(relayError(failed(Status.UNAVAILABLE, '')).metadata.get('grpc-retry-pushback-ms'), ['-1']);
    assert.deepEqual(relayError(failed(Status.NOT_FOUND, '')).metadata.get('grpc-retry-pushback-ms'), []);
  });
  test('metadata that is not about the error stays here', () => {
    const metadata = grpcError(Status.NOT_FOUND, 'none', 'NONE').metadata;
    metadata.set('internal', 'x');
    const relayed = relayError(failed(Status.NOT_FOUND, 'none', metadata));
    assert.deepEqual([relayed.metadata.get('internal'), detailsOf(relayed)], [[], { reason: 'NONE' }]);
  });
});

describe('as an HTTP problem', () => {
  const table: Array<[Status, number]> = [
    [Status.INVALID_ARGUMENT, 400],
    [Status.PERMISSION_DENIED, 403],
    [Status.NOT_FOUND, 404],
    [Status.ALREADY_EXISTS, 409],
    [Status.RESOURCE_EXHAUSTED, 429],
    [Status.UNAVAILABLE, 503],
    [Status.DEADLINE_EXCEEDED, 504],
    [Status.UNAUTHENTICATED, 502],
    [Status.INTERNAL, 502],
    [Status.UNKNOWN, 502],
  ];
  for (const [code, status] of table) {
    test(`${Status[code]} is ${status}`, () => assert.equal(grpcToHttpProblem(failed(code, 'x')).status, status));
  }
  test('addresses are shown in development alone', () => {
    const error = failed(Status.UNAVAILABLE, 'connect ECONNREFUSED 10.0.0.7:9444');
    assert.ok(!grpcToHttpProblem(error).detail.includes('10.0.0.7'));
    assert.ok(grpcToHttpProblem(error, true).detail.includes('10.0.0.7'));
  });
});
