/**
 * The signature check by itself: a key of another kind is refused even by a caller that did not choose keys by kind.
 */
import assert from 'node:assert/strict';
import { createPublicKey, sign } from 'node:crypto';
import { test } from 'node:test';
import { createJwtKey } from '../test/jwt-fixture.ts';
import { verifyJwtSignature } from './jwt-algorithm.ts';

const { privateKey } = createJwtKey('P-384');
const key = createPublicKey(privateKey);
const signed = 'header.payload';
const signatureOf = (hash: string, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363') =>
  sign(hash, Buffer.from(signed), { key: privateKey, dsaEncoding });

test('L32 a P-384 key makes ES384 and nothing else', () => {
  const input = { key, kind: 'P-384', signed } as const;
  assert.equal(verifyJwtSignature({ ...input, alg: 'ES384', signature: signatureOf('sha384') }), true);
  assert.equal(verifyJwtSignature({ ...input, alg: 'ES256', signature: signatureOf('sha256') }), false);
  assert.equal(verifyJwtSignature({ ...input, alg: 'ES512', signature: signatureOf('sha512') }), false);
});

test('L32 a signature in DER, cut short or padded is none', () => {
  const input = { key, kind: 'P-384', signed, alg: 'ES384' } as const;
  const good = signatureOf('sha384');
  for (const signature of [
    signatureOf('sha384', 'der'),
    good.subarray(0, 95),
    good.subarray(0, 64),
    Buffer.concat([good, Buffer.alloc(1)]),
    Buffer.alloc(96),
    Buffer.alloc(0),
  ]) {
    assert.equal(verifyJwtSignature({ ...input, signature }), false);
  }
});
