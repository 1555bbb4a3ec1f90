import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CallRecord,
  callFields,
  chainAttributes,
  currentCallFields,
  recordChain,
  recordDecision,
  withCallRecord,
} from './call-record.ts';

const ORIGIN = 'spiffe://example.org/origin';
const PEER = 'spiffe://example.org/peer';
const chain = { txn: 'T-1', origin: ORIGIN, chain: [ORIGIN, PEER] };

function newRecord(): CallRecord {
  return {
    transport: 'grpc',
    self: { id: 'spiffe://example.org/self', serial: '0A' },
    peer: { id: PEER, serial: '0B' },
    startedMs: 0,
    operation: undefined,
    decision: undefined,
  };
}

test('a call without a chain has no origin and no transaction, whoever its peer is', () => {
  const { origin, txn } = callFields(newRecord());
  assert.deepEqual([origin, txn, chainAttributes(newRecord())], [undefined, undefined, {}]);
});

test('a chain recorded within a call is in its log fields, beside the peer and not in its place', () => {
  const fields = withCallRecord(newRecord(), () => {
    recordChain(chain);
    return currentCallFields();
  });
  assert.deepEqual([fields?.['origin'], fields?.['txn'], fields?.['peer']], [ORIGIN, 'T-1', PEER]);
});

test('a chain recorded within one call is not seen in the next, nor outside any', () => {
  withCallRecord(newRecord(), () => recordChain(chain));
  recordChain(chain);
  assert.equal(currentCallFields(), undefined);
  assert.equal(withCallRecord(newRecord(), currentCallFields)?.['txn'], undefined);
});

test('a refusal shows its reason and an allowed call shows none', () => {
  const reasonOf = (allow: boolean) =>
    withCallRecord(newRecord(), () => {
      recordDecision({ allow, decisionId: 'd-1', rule: 'grant', reason: 'because' });
      return currentCallFields()?.['reason'];
    });
  assert.deepEqual([reasonOf(false), reasonOf(true)], ['because', undefined]);
});
