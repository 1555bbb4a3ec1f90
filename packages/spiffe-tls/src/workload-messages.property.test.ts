/**
 * Properties of the Workload API's messages, from the bytes on: what can be decoded is taken whole or refused, and a client
 * that is sent any bytes at all goes on with what it had.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestCa, type IssuedSvid, nearBytes, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import { createJwtKey, jwksOf } from '../test/jwt-fixture.ts';
import { startRawWorkloadApi } from '../test/raw-workload-api.ts';
import { svidEntry } from '../test/workload-messages.ts';
import type { SpiffeTlsErrorCode } from './errors.ts';
import { JWTBundlesResponse, JWTSVIDResponse, X509BundlesResponse, X509SVIDResponse } from './gen/workload.ts';
import { parseJwtBundles } from './jwt-bundles-response.ts';
import { createWorkloadApiX509Source } from './workload-api-source.ts';
import { checkOwnSvids, parseBundleMap, parseX509Response } from './x509-context.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const partner = await createTestCa({ trustDomain: 'partner.example' });
const web = await ca.issue({ path: '/web' });
const job = await (await ca.intermediate()).issue({ path: '/job' });
const own = X509SVIDResponse.encode(
  X509SVIDResponse.fromPartial({
    svids: [svidEntry(ca, web, { hint: 'web' }), svidEntry(ca, job)],
    federatedBundles: { 'spiffe://partner.example': Buffer.from(partner.der) },
    crl: [Buffer.from([1, 2, 3])],
  }),
).finish();

const SVID_CODES: readonly SpiffeTlsErrorCode[] = [
  'WORKLOAD_API',
  'INVALID_SPIFFE_ID',
  'INVALID_BUNDLE',
  'CERTIFICATE_MALFORMED',
  'CERTIFICATE_TOO_LARGE',
  'CHAIN_TOO_LONG',
  'URI_SAN_COUNT',
  'URI_SAN_INVALID',
  'SVID_PATH_EMPTY',
  'SVID_ID_MISMATCH',
  'SVID_IS_CA',
  'KEY_USAGE',
  'EXTENDED_KEY_USAGE',
  'CRITICAL_EXTENSION_UNKNOWN',
  'WEAK_KEY_OR_SIGNATURE',
  'PRIVATE_KEY_INVALID',
  'KEY_MISMATCH',
];

/** gRPC turns what the decoder throws into a status; it must end, and be an error. */
function decoded<Message>(decode: (bytes: Uint8Array) => Message, bytes: Uint8Array): Message | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    assert.ok(error instanceof Error);
    return undefined;
  }
}

test('T15 T13 property: bytes near an X509SVIDResponse are taken whole or refused, and the identity is never another', () => {
  fc.assert(
    fc.property(fc.oneof(nearBytes(own), fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const message = decoded((it) => X509SVIDResponse.decode(it), bytes);
      if (message === undefined) return;
      const material = attempt(SVID_CODES, () => parseX509Response(message));
      if (material === undefined) return;
      const judged = attempt([...SVID_CODES, 'UNTRUSTED_CHAIN', 'NO_BUNDLE', 'EXPIRED', 'NOT_YET_VALID'], () => {
        checkOwnSvids(material, Date.now());
        return material;
      });
      for (const { id } of judged?.svids ?? []) assert.match(id.toString(), /^spiffe:\/\/example\.org\/(web|job)$/);
    }),
    propertyRuns(1000),
  );
});

test('T15 property: bytes near an X509BundlesResponse are bundles of the trust domains they name, or are refused', () => {
  const bundles = { 'spiffe://example.org': Buffer.from(ca.der), 'spiffe://partner.example': Buffer.from(partner.der) };
  const valid = X509BundlesResponse.encode(X509BundlesResponse.fromPartial({ bundles })).finish();
  fc.assert(
    fc.property(nearBytes(valid), (bytes) => {
      const message = decoded((it) => X509BundlesResponse.decode(it), bytes);
      if (message === undefined) return;
      const codes = ['WORKLOAD_API', 'INVALID_SPIFFE_ID', 'INVALID_BUNDLE'] as const;
      const set = attempt(codes, () => parseBundleMap(message.bundles));
      const names = set?.trustDomains().map(({ id }) => id) ?? [];
      assert.ok(names.every((name) => name in message.bundles));
    }),
    propertyRuns(600),
  );
});

test('T15 property: bytes near a JWTBundlesResponse are bundles of the trust domains they name, or are refused', () => {
  const bundles = { 'spiffe://example.org': jwksOf(createJwtKey()), 'spiffe://partner.example': jwksOf() };
  const valid = JWTBundlesResponse.encode(JWTBundlesResponse.fromPartial({ bundles })).finish();
  fc.assert(
    fc.property(nearBytes(valid), (bytes) => {
      const message = decoded((it) => JWTBundlesResponse.decode(it), bytes);
      if (message === undefined) return;
      const set = attempt(['WORKLOAD_API', 'INVALID_SPIFFE_ID', 'INVALID_BUNDLE'], () => parseJwtBundles(message));
      const names = set?.trustDomains().map(({ id }) => id) ?? [];
      assert.ok(names.every((name) => name in message.bundles));
    }),
    propertyRuns(600),
  );
});

test('T15 property: any bytes are a JWTSVIDResponse, or an error', () => {
  const svids = [{ spiffeId: 'spiffe://example.org/web', svid: 'a.b.c', hint: 'x' }];
  const valid = JWTSVIDResponse.encode(JWTSVIDResponse.fromPartial({ svids })).finish();
  fc.assert(
    fc.property(fc.oneof(nearBytes(valid), fc.uint8Array({ maxLength: 64 })), (bytes) => {
      const message = decoded((it) => JWTSVIDResponse.decode(it), bytes);
      assert.ok(
        message === undefined ||
          message.svids.every(({ svid, hint }) => typeof svid === 'string' && typeof hint === 'string'),
      );
    }),
    propertyRuns(600),
  );
});

/** A message that is complete, of exactly this many bytes. */
function messageOf(size: number, issued: IssuedSvid): Uint8Array {
  const made = (padding: number): Uint8Array =>
    X509SVIDResponse.encode(
      X509SVIDResponse.fromPartial({ svids: [svidEntry(ca, issued)], crl: [Buffer.alloc(padding)] }),
    ).finish();
  const message = made(2 * size - 4096 - made(size - 4096).length);
  assert.equal(message.length, size);
  return message;
}

const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

test('T15 T16 a client that is sent any bytes has the identity it had, and takes the next good message', async (t) => {
  const hostile = fc.sample(fc.oneof(nearBytes(own), fc.uint8Array({ maxLength: 64 })), propertyRuns(40));
  const first = X509SVIDResponse.encode(X509SVIDResponse.fromPartial({ svids: [svidEntry(ca, web)] })).finish();
  const renewed = await ca.issue({ path: '/renewed' });
  const last = X509SVIDResponse.encode(X509SVIDResponse.fromPartial({ svids: [svidEntry(ca, renewed)] })).finish();
  const tooLarge = messageOf(MAX_MESSAGE_BYTES + 1, await ca.issue({ path: '/too-large' }));
  const endpoint = await startRawWorkloadApi(t, [first, ...hostile, tooLarge, last]);
  const source = createWorkloadApiX509Source({ endpoint, backoff: { next: () => 1, reset: () => {} } });
  t.after(() => source.close());
  const seen = new Set<string>();
  const renewal = new Promise<void>((resolve) => {
    source.subscribe((event) => {
      if (event.type !== 'update') return;
      seen.add(event.context.svid.id.toString());
      if (event.context.svid.id.path === '/renewed') resolve();
    });
  });
  await source.ready();
  await renewal;
  for (const id of seen) assert.match(id, /^spiffe:\/\/example\.org\/(web|job|renewed)$/);
});

test('T16 a message of 32 MiB is read', async (t) => {
  const endpoint = await startRawWorkloadApi(t, [messageOf(MAX_MESSAGE_BYTES, web)]);
  const source = createWorkloadApiX509Source({ endpoint });
  t.after(() => source.close());
  assert.equal((await source.ready()).svid.id.toString(), 'spiffe://example.org/web');
});
