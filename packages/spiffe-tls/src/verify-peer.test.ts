import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestCa,
  ExtensionId,
  type IssueOptions,
  KeyPurpose,
  propertyRuns,
  sequence,
  tlv,
} from '@countersign/testkit';
import fc from 'fast-check';
import { authorizeId, dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';
import { type VerifyPeerInput, verifyPeer, verifyX509Svid } from './verify-peer.ts';
import { X509Bundle, X509BundleSet } from './x509-bundle.ts';

const nowMs = Date.now();
const [ca, foreign, federated] = await Promise.all([
  createTestCa({ trustDomain: 'example.org' }),
  createTestCa({ trustDomain: 'foreign.example' }),
  createTestCa({ trustDomain: 'federated.example' }),
]);
const own = ca.bundle();
const bundles = X509BundleSet.of(own, federated.bundle());
const any = dangerouslyAuthorizeAnyPeer();
const good = await ca.issue({ path: '/ns/a/sa/b' });

function judge(chain: readonly Uint8Array[], changes: Partial<VerifyPeerInput> = {}) {
  return verifyPeer({ chain, role: 'client', bundles, nowMs, authorize: any, ...changes });
}

/** A refusal counts only with its exact code, and only if it says what was expected and what came. */
function refuses(code: SpiffeTlsErrorCode, verdict: () => unknown): void {
  assert.throws(verdict, (error) => {
    assert.ok(error instanceof SpiffeTlsError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.expected !== undefined && error.got !== undefined, `expected and got of: ${error.message}`);
    return true;
  });
}

const id = 'spiffe://example.org/workload';

const accepted: readonly (readonly [string, IssueOptions, string])[] = [
  ['L10 a SPIFFE ID beside DNS names', { dnsNames: ['a.example.org', 'b.example.org'] }, id],
  ['L12 an empty subject and a critical SAN', { emptySubject: true, dnsNames: ['a.example.org'] }, id],
  ['L13 no basicConstraints at all', { rawExtensions: { [ExtensionId.basicConstraints]: null } }, id],
  ['L15 no extendedKeyUsage at all', { extendedKeyUsage: null }, id],
  ['L15 the one purpose of its role', { extendedKeyUsage: [KeyPurpose.clientAuth] }, id],
  ['L16 an EC P-384 key', { keyType: 'ec-p384' }, id],
  ['L16 an RSA key of 2048 bits', { keyType: 'rsa-2048' }, id],
  ['L16 an Ed25519 key', { keyType: 'ed25519' }, id],
  ['L16 no key identifiers', { withoutKeyIds: true }, id],
  ['L3 L6 a path in mixed case', { path: '/Ns/.../_x' }, 'spiffe://example.org/Ns/.../_x'],
];

for (const [name, options, identity] of accepted) {
  test(`verify: accepts ${name}`, async () => {
    const { chain, der } = await ca.issue(options);
    const peer = judge(chain);
    assert.equal(peer.id.toString(), identity);
    assert.deepEqual(
      peer.path.map((c) => Buffer.from(c.der)),
      [Buffer.from(der), Buffer.from(ca.der)],
    );
    assert.equal(peer.serialNumber, peer.path[0]?.serialNumber);
  });
}

// Leaves and chains that break one rule each are in bad-certificates.test.ts; here is what no table of certificates can say.

test('T16 verify: refuses a SAN of 1 MB, which no TLS connection would carry', async () => {
  const names = sequence(tlv(0x86, Buffer.from(`${id}/${'a'.repeat(1_000_000)}`)));
  const { chain } = await ca.issue({ rawExtensions: { [ExtensionId.subjectAltName]: names } });
  refuses('CERTIFICATE_TOO_LARGE', () => judge(chain));
});

test('L15 verify: a server must be allowed to be one, and a signer is asked for no purpose', async () => {
  const { chain } = await ca.issue({ extendedKeyUsage: [KeyPurpose.clientAuth] });
  refuses('EXTENDED_KEY_USAGE', () => judge(chain, { role: 'server' }));
  assert.equal(verifyX509Svid({ chain, bundles, nowMs }).id.toString(), id);
});

test('verify: refuses no certificate at all', () => refuses('NO_PEER_CERTIFICATE', () => judge([])));

test('L21 T16 verify: refuses a chain of 100 certificates, and one of more than 64 KiB', async () => {
  refuses('CHAIN_TOO_LONG', () => judge(Array.from({ length: 100 }, () => good.der)));
  const big = await ca.issue({
    uris: Array.from({ length: 250 }, (_, i) => `spiffe://example.org/${'x'.repeat(60)}/${i}`),
  });
  refuses('CERTIFICATE_TOO_LARGE', () => judge([good.der, big.der, big.der, big.der, big.der]));
});

test('T15 verify: refuses a chain with a malformed certificate behind a good leaf', () => {
  refuses('CERTIFICATE_MALFORMED', () => judge([good.der, Buffer.from([0x30, 0x80])]));
  refuses('CERTIFICATE_MALFORMED', () => judge([Buffer.concat([good.der, Buffer.from([0])])]));
});

test("L17 T4 verify: another trusted trust domain cannot mint this one's identities", async () => {
  const forged = await federated.issue({ uris: ['spiffe://example.org/ns/a/sa/b'] });
  refuses('UNTRUSTED_CHAIN', () => judge(forged.chain));
  const honest = await federated.issue({ path: '/x' });
  assert.equal(judge(honest.chain).id.toString(), 'spiffe://federated.example/x');
});

test('L17 T4 verify: nor with its root, or ours, sent as an "intermediate"', async () => {
  const forged = await federated.issue({ uris: ['spiffe://example.org/admin'] });
  refuses('UNTRUSTED_CHAIN', () => judge([forged.der, federated.der]));
  refuses('UNTRUSTED_CHAIN', () => judge([forged.der, federated.der, ca.der]));
});

test('L17 T4 verify: nor by a CA of its own that claims our trust domain', async () => {
  const impostor = await federated.intermediate({ trustDomain: 'example.org' });
  const forged = await impostor.issue({ path: '/admin' });
  refuses('UNTRUSTED_CHAIN', () => judge(forged.chain));
});

test('L17 T4 verify: nor by a CA with the name of ours', async () => {
  const impostor = await createTestCa({ trustDomain: 'example.org', name: ca.name });
  const forged = await impostor.issue({ path: '/admin' });
  refuses('UNTRUSTED_CHAIN', () => judge([forged.der, impostor.der]));
});

test('L17 verify: a source that hands out the bundle of another trust domain is not believed', async () => {
  const forged = await federated.issue({ uris: ['spiffe://example.org/admin'] });
  refuses('NO_BUNDLE', () => judge(forged.chain, { bundles: { get: () => federated.bundle() } }));
});

test('L17 T6 verify: a trust domain without a bundle is refused by name, with the remedy', async () => {
  const stranger = await foreign.issue();
  refuses('NO_BUNDLE', () => judge(stranger.chain));
  assert.throws(() => judge(stranger.chain), /"foreign\.example".*federatesWith.*createBundleFederation/);
});

test('L22 T5 verify: no bundles, an empty bundle and an empty allow-list refuse everybody', () => {
  refuses('NO_BUNDLE', () => judge(good.chain, { bundles: X509BundleSet.of() }));
  refuses('NO_BUNDLE', () => judge(good.chain, { bundles: X509BundleSet.of(new X509Bundle(ca.trustDomain, [])) }));
  refuses('TRUST_DOMAIN_NOT_ALLOWED', () => judge(good.chain, { trustDomains: [] }));
});

test('T5 verify: an allow-list limits the trust domains that have a bundle', async () => {
  const trustDomains = [TrustDomain.parse('example.org')];
  assert.equal(judge(good.chain, { trustDomains }).id.toString(), 'spiffe://example.org/ns/a/sa/b');
  const { chain } = await federated.issue();
  refuses('TRUST_DOMAIN_NOT_ALLOWED', () => judge(chain, { trustDomains }));
});

test('L19 verify: every CA of a bundle is trusted, and one taken out no longer is, though the peer was seen before', async () => {
  const next = await createTestCa({ trustDomain: 'example.org' });
  const late = await next.issue();
  const both = X509BundleSet.of(new X509Bundle(ca.trustDomain, [ca.certificate(), next.certificate()]));
  assert.equal(judge(good.chain, { bundles: both }).id.toString(), 'spiffe://example.org/ns/a/sa/b');
  assert.equal(judge(late.chain, { bundles: both }).id.toString(), id);
  refuses('UNTRUSTED_CHAIN', () => judge(good.chain, { bundles: X509BundleSet.of(next.bundle()) }));
});

test('L16 verify: time is judged anew each time, however often the peer was accepted', async () => {
  const { chain } = await ca.issue({ notAfter: new Date(nowMs + 60_000) });
  const { notAfterMs } = judge(chain);
  assert.equal(judge(chain, { nowMs: notAfterMs }).id.toString(), id);
  refuses('EXPIRED', () => judge(chain, { nowMs: notAfterMs + 1000 }));
});

test('verify: a clock that tells no time refuses', () => {
  for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => judge(good.chain, { nowMs: broken }), TypeError);
  }
});

test("T32 verify: the identity is the leaf's even when CAs carry SPIFFE IDs with paths", async () => {
  const root = await createTestCa({ trustDomain: 'example.org', uris: ['spiffe://example.org/root'] });
  const issuing = await root.intermediate({ uris: ['spiffe://example.org/issuing', 'spiffe://foreign.example/x'] });
  const { chain } = await issuing.issue({ path: '/leaf' });
  const peer = judge([...chain, root.der], { bundles: X509BundleSet.of(root.bundle()) });
  assert.equal(peer.id.toString(), 'spiffe://example.org/leaf');
});

test('L18 T32 verify: a certificate of the bundle itself is no peer, CA or not', async () => {
  refuses('SVID_PATH_EMPTY', () => judge([ca.der]));
  const named = await createTestCa({ trustDomain: 'example.org', uris: [id] });
  refuses('SVID_IS_CA', () => judge([named.der], { bundles: X509BundleSet.of(named.bundle()) }));
  const pinned = X509Bundle.fromDer(ca.trustDomain, good.der);
  refuses('UNTRUSTED_CHAIN', () => judge(good.chain, { bundles: X509BundleSet.of(pinned) }));
});

test('verify: the peer stays valid until the earliest end in its path', async () => {
  const issuing = await ca.intermediate({ notAfter: new Date(nowMs + 30_000) });
  const { chain } = await issuing.issue();
  assert.equal(judge(chain).notAfterMs, issuing.certificate().notAfterMs);
});

test('authorize: refuses whom the authorizer does not want, saying whom it does', () => {
  const authorize = authorizeId(SpiffeId.parse('spiffe://example.org/other'));
  refuses('PEER_NOT_AUTHORIZED', () => judge(good.chain, { authorize }));
  assert.throws(() => judge(good.chain, { authorize }), {
    expected: '"spiffe://example.org/other"',
    got: '"spiffe://example.org/ns/a/sa/b"',
  });
});

const brokenAuthorizers = [
  ['throws', () => assert.fail('broken')],
  ['returns true', () => true],
  ['returns false', () => false],
  ['returns null', () => null],
  ['returns a promise of acceptance', async () => undefined],
  ['returns a promise that fails', async () => assert.fail('broken')],
] as const;

for (const [name, broken] of brokenAuthorizers) {
  test(`authorize: an authorizer that ${name} refuses`, async () => {
    // Types would not let these through; JavaScript would.
    const input = { chain: good.chain, role: 'client', bundles, nowMs, authorize: broken };
    refuses('PEER_NOT_AUTHORIZED', () => Reflect.apply(verifyPeer, undefined, [input]));
    await new Promise(setImmediate);
  });
}

test('authorize: is asked last, so that it never sees an unverified ID', async () => {
  const forged = await foreign.issue({ uris: ['spiffe://example.org/admin'] });
  let asked = 0;
  const authorize = (): undefined => void asked++;
  refuses('UNTRUSTED_CHAIN', () => judge(forged.chain, { authorize }));
  assert.equal(asked, 0);
  judge(good.chain, { authorize });
  assert.equal(asked, 1);
});

test('T15 T16 property: whatever chain is sent, the verdict is a code or an identity that our CA issued to the leaf', async () => {
  const [issuing, impostor] = await Promise.all([
    ca.intermediate(),
    createTestCa({ trustDomain: 'example.org', name: ca.name }),
  ]);
  const [viaIssuing, viaForeign, viaImpostor] = await Promise.all(
    [issuing, foreign, impostor].map((authority) => authority.issue({ uris: [id] })),
  );
  assert.ok(viaIssuing !== undefined && viaForeign !== undefined && viaImpostor !== undefined);
  const ours = [good.der, viaIssuing.der];
  const pool = [
    ...ours,
    viaForeign.der,
    viaImpostor.der,
    ca.der,
    issuing.der,
    foreign.der,
    impostor.der,
    good.der.subarray(1),
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 12 }), (chain) => {
      try {
        const peer = judge(chain);
        assert.ok(
          ours.some((der) => der === chain[0]),
          `${peer.id}`,
        );
      } catch (error) {
        assert.ok(error instanceof SpiffeTlsError, `${error}`);
      }
    }),
    propertyRuns(500),
  );
});
