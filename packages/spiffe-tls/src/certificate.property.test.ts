/**
 * Properties of reading certificates: the strict reader and the crypto library see the same, what was changed is never taken
 * for what it was, and no bytes do anything but be read or refused.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  badChains,
  badLeaves,
  createBadCertificateWorld,
  createTestCa,
  nearBytes,
  propertyRuns,
} from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import { dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { parseCertificate, splitCertificates } from './certificate.ts';
import type { SpiffeTlsErrorCode } from './errors.ts';
import { verifyPeer } from './verify-peer.ts';
import { X509Bundle, X509BundleSet } from './x509-bundle.ts';
import { parseX509Svid } from './x509-svid.ts';

const world = await createBadCertificateWorld();
const { ca } = world;
const constrained = await createTestCa({
  trustDomain: 'example.org',
  nameConstraints: { permittedUri: ['example.org'], excludedDns: ['a.example.org'] },
  keyType: 'rsa-2048',
});
const issuing = await ca.intermediate({ pathLength: 0 });
const good = await issuing.issue({ dnsNames: ['a.example.org'] });
const edwards = await ca.issue({ keyType: 'ed25519', emptySubject: true });
const valid = [good.der, issuing.der, constrained.der, edwards.der] as const;
const bundles = X509BundleSet.of(ca.bundle());
const nowMs = Date.now();

const PARSING = ['CERTIFICATE_MALFORMED', 'CERTIFICATE_TOO_LARGE'] as const;
const VERIFYING: readonly SpiffeTlsErrorCode[] = [
  ...PARSING,
  'NO_PEER_CERTIFICATE',
  'CHAIN_TOO_LONG',
  'URI_SAN_COUNT',
  'URI_SAN_INVALID',
  'SVID_PATH_EMPTY',
  'SVID_IS_CA',
  'KEY_USAGE',
  'EXTENDED_KEY_USAGE',
  'CRITICAL_EXTENSION_UNKNOWN',
  'WEAK_KEY_OR_SIGNATURE',
  'NO_BUNDLE',
  'EXPIRED',
  'NOT_YET_VALID',
  'NAME_CONSTRAINT',
  'UNTRUSTED_CHAIN',
];

test('T15 property: bytes near a certificate are read alike by both readers, or are refused', () => {
  fc.assert(
    fc.property(nearBytes(...valid), (der) => {
      const facts = attempt(PARSING, () => parseCertificate(der));
      if (facts === undefined) return;
      assert.deepEqual(Buffer.from(facts.x509.raw), Buffer.from(der));
      assert.equal(facts.notBeforeMs, Date.parse(facts.x509.validFrom), 'the same beginning');
      assert.equal(facts.notAfterMs, Date.parse(facts.x509.validTo), 'the same end');
      assert.equal(facts.isCa, facts.x509.ca || !mayBeCa(facts), 'the same authority');
      assert.deepEqual(facts.extendedKeyUsage ?? [], facts.x509.keyUsage ?? [], 'the same purposes');
    }),
    propertyRuns(1500),
  );
});

/** node:crypto counts as a CA what also may sign certificates. */
function mayBeCa({ isCa, keyUsage }: ReturnType<typeof parseCertificate>): boolean {
  return !isCa || keyUsage === undefined || keyUsage.has('keyCertSign');
}

test('T15 property: a chain is split into whole certificates, or is refused', () => {
  const chain = fc.array(nearBytes(...valid), { maxLength: 4 }).map((parts) => Buffer.concat(parts));
  fc.assert(
    fc.property(chain, (bytes) => {
      const parts = attempt(PARSING, () => splitCertificates(bytes));
      if (parts !== undefined) assert.deepEqual(Buffer.concat(parts), bytes);
    }),
    propertyRuns(800),
  );
});

test('T15 property: a leaf that was changed is never accepted, whatever is sent behind it', () => {
  const behind = fc.array(fc.oneof(nearBytes(...valid), fc.constantFrom(issuing.der, ca.der)), { maxLength: 4 });
  fc.assert(
    fc.property(nearBytes(good.der), behind, (leaf, rest) => {
      const chain = [leaf, ...rest, issuing.der];
      const peer = attempt(VERIFYING, () =>
        verifyPeer({ chain, role: 'client', bundles, nowMs, authorize: dangerouslyAuthorizeAnyPeer() }),
      );
      // A signature has more than one encoding that holds, so what is compared is what was signed and says who it is.
      if (peer !== undefined) assert.equal(peer.id.toString(), 'spiffe://example.org/workload');
      if (peer !== undefined) assert.equal(peer.serialNumber, parseCertificate(good.der).serialNumber);
    }),
    propertyRuns(1500),
  );
});

test('property: no pair of broken rules makes a chain that is accepted', async () => {
  const rows = await Promise.all(
    [...badLeaves, ...badChains].map(async (row) => ({ row, presented: await row.make(world, 'client') })),
  );
  const trusted = [ca.bundle(), world.federated.bundle()];
  fc.assert(
    fc.property(fc.constantFrom(...rows), fc.constantFrom(...rows), ({ presented }, { presented: other }) => {
      const chain = [...presented.chain.slice(0, 8), ...other.chain.slice(0, 2)];
      const set = X509BundleSet.of(...(presented.bundles ?? trusted));
      const input = { chain, role: 'client', bundles: set, nowMs, authorize: dangerouslyAuthorizeAnyPeer() } as const;
      // Some rules hold for the number or size of what is sent, so that another number breaks another rule or none.
      if (presented.chain.length > 8 || other.chain.length > 8) attempt(VERIFYING, () => verifyPeer(input));
      else
        assert.equal(
          attempt(VERIFYING, () => verifyPeer(input)),
          undefined,
        );
    }),
    propertyRuns(800),
  );
});

test('T15 property: bytes near a bundle are all its certificates, or are refused', () => {
  const bundle = Buffer.concat([ca.der, constrained.der]);
  fc.assert(
    fc.property(nearBytes(ca.der, bundle, new Uint8Array()), (der) => {
      const read = attempt(['INVALID_BUNDLE'], () => X509Bundle.fromDer(ca.trustDomain, der));
      if (read !== undefined) assert.ok(X509Bundle.fromPem(ca.trustDomain, read.toPem()).equals(read));
    }),
    propertyRuns(800),
  );
});

test('T15 property: bytes near an own SVID and its key are that identity, or are refused', () => {
  const codes = [...VERIFYING, 'PRIVATE_KEY_INVALID', 'KEY_MISMATCH', 'SVID_ID_MISMATCH'] as const;
  const spiffeId = 'spiffe://example.org/workload';
  fc.assert(
    fc.property(nearBytes(good.chainDer), nearBytes(good.keyDer), (chainDer, keyDer) => {
      const svid = attempt(codes, () => parseX509Svid({ spiffeId, chainDer, keyDer }));
      if (svid === undefined) return;
      assert.equal(svid.id.toString(), spiffeId);
      assert.ok(svid.leaf.x509.checkPrivateKey(svid.privateKey));
    }),
    propertyRuns(600),
  );
});
