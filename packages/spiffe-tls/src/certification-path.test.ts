import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestCa,
  createTestCertificate,
  createTestKeys,
  ExtensionId,
  extension,
  KeyPurpose,
  KeyUsageFlags,
  oid,
  sequence,
  type TestCa,
  tlv,
} from '@countersign/testkit';
import { clearCertificateCache } from './certificate.ts';
import { clearSignatureCache } from './certification-path.ts';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { verifyX509Svid } from './verify-peer.ts';
import { X509Bundle, X509BundleSet } from './x509-bundle.ts';

const nowMs = Date.now();
const trustDomain = 'example.org';
const past = { notBefore: new Date(nowMs - 120_000), notAfter: new Date(nowMs - 60_000) };
const caUsage = KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
const ca = await createTestCa({ trustDomain });

function judge(chain: readonly Uint8Array[], ...anchors: TestCa[]) {
  const bundle = new X509Bundle(
    ca.trustDomain,
    anchors.map((anchor) => anchor.certificate()),
  );
  return verifyX509Svid({ chain, bundles: X509BundleSet.of(bundle), nowMs, role: 'client' });
}

function refuses(code: SpiffeTlsErrorCode, verdict: () => unknown): void {
  assert.throws(verdict, (error) => {
    assert.ok(error instanceof SpiffeTlsError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.ok(error.expected !== undefined && error.got !== undefined, `expected and got of: ${error.message}`);
    return true;
  });
}

// Issuers that break one rule each, as intermediate and as anchor, are in bad-certificates.test.ts.

test('path: refuses an intermediate signed with SHA-1, but not an anchor: nobody relies on its own signature', async () => {
  const weak = await ca.intermediate({ hash: 'SHA-1' });
  const { chain } = await weak.issue();
  refuses('WEAK_KEY_OR_SIGNATURE', () => judge(chain, ca));
  assert.equal(judge(chain, weak).id.toString(), 'spiffe://example.org/workload');
});

test('L16 path: refuses a leaf signed with MD5', async () => {
  const keys = await createTestKeys('rsa-2048');
  const anchor = await createTestCa({ trustDomain, keys });
  const algorithm = { identifier: sequence(oid('1.2.840.113549.1.1.4'), tlv(0x05)), digest: 'md5' };
  const { chain } = await anchor.issue({ rewrite: { algorithm } });
  refuses('WEAK_KEY_OR_SIGNATURE', () => judge(chain, anchor));
});

test('L16 path: refuses an intermediate limited to another purpose, but not one for TLS clients or for all', async () => {
  for (const [purpose, works] of [
    [KeyPurpose.serverAuth, false],
    [KeyPurpose.clientAuth, true],
    [KeyPurpose.any, true],
  ] as const) {
    const issuing = await ca.intermediate({ extendedKeyUsage: [purpose] });
    const { chain } = await issuing.issue();
    if (works) assert.equal(judge(chain, ca).path.length, 3);
    else refuses('EXTENDED_KEY_USAGE', () => judge(chain, ca));
  }
});

test('L16 path: an altered signature, and an altered leaf under a genuine one', async () => {
  const { der } = await ca.issue({ path: '/ns/a' });
  const broken = Uint8Array.from(der);
  broken[broken.length - 1] = (broken[broken.length - 1] ?? 0) ^ 1;
  refuses('UNTRUSTED_CHAIN', () => judge([broken], ca));
  const at = Buffer.from(der).indexOf('/ns/a');
  const renamed = Buffer.from(der);
  renamed.write('/ns/b', at);
  refuses('UNTRUSTED_CHAIN', () => judge([renamed], ca));
});

test('L16 path: the signature must be by the issuer whose name the certificate bears', async () => {
  const other = await createTestCa({ trustDomain, keys: ca.keys });
  const { chain } = await other.issue();
  assert.equal(judge(chain, other).path.length, 2);
  refuses('UNTRUSTED_CHAIN', () => judge(chain, ca));
});

test('L16 path: pathLen counts the intermediates below', async () => {
  for (const [pathLength, depth, works] of [
    [0, 0, true],
    [0, 1, false],
    [1, 1, true],
    [1, 2, false],
    [2, 2, true],
  ] as const) {
    const root = await createTestCa({ trustDomain, pathLength });
    let issuing = root;
    for (let i = 0; i < depth; i++) issuing = await issuing.intermediate();
    const { chain } = await issuing.issue();
    if (works) assert.equal(judge(chain, root).path.length, depth + 2);
    else refuses('UNTRUSTED_CHAIN', () => judge(chain, root));
  }
});

test('L16 path: pathLen of an intermediate holds too, and a self-issued certificate does not count', async () => {
  const limited = await ca.intermediate({ pathLength: 0 });
  const below = await limited.intermediate();
  const { chain } = await below.issue();
  refuses('UNTRUSTED_CHAIN', () => judge(chain, ca));
  const renewed = await limited.intermediate({ name: limited.name });
  const rolled = await renewed.issue();
  assert.equal(judge(rolled.chain, ca).path.length, 4);
});

test('L20 path: an intermediate as the only anchor needs no root', async () => {
  const issuing = await ca.intermediate();
  const { chain, der } = await issuing.issue();
  assert.deepEqual(judge(chain, issuing).path.map((c) => c.fingerprint256).length, 2);
  assert.equal(judge([der], issuing).path.length, 2);
});

test('L20 path: an anchor is byte for byte a member of the bundle, not another certificate for its key', async () => {
  const issuing = await ca.intermediate();
  const { der } = await issuing.issue();
  const expired = await ca.crossSign(issuing, past);
  assert.equal(judge([der, expired], issuing).path[1], issuing.certificate());
  const onlyExpired = X509Bundle.fromDer(ca.trustDomain, expired);
  const bundles = X509BundleSet.of(onlyExpired);
  refuses('EXPIRED', () => verifyX509Svid({ chain: [der, issuing.der], bundles, nowMs }));
});

test('L21 path: intermediates in any order, with junk between', async () => {
  const first = await ca.intermediate();
  const second = await first.intermediate();
  const { der } = await second.issue();
  const junk = await createTestCa({ trustDomain });
  assert.equal(judge([der, junk.der, first.der, ca.der, second.der, first.der], ca).path.length, 4);
});

test('L21 path: a missing intermediate is named', async () => {
  const issuing = await ca.intermediate();
  const { der } = await issuing.issue();
  refuses('UNTRUSTED_CHAIN', () => judge([der], ca));
  assert.throws(() => judge([der], ca), /no certificate of "CN=CA \d+ of example\.org/);
});

test('L16 path: an expired way to an anchor does not hide a good one, in either order', async () => {
  const issuing = await ca.intermediate();
  const old = await ca.crossSign(issuing, past);
  const { der } = await issuing.issue();
  assert.equal(judge([der, old, issuing.der], ca).path.length, 3);
  assert.equal(judge([der, issuing.der, old], ca).path.length, 3);
  refuses('EXPIRED', () => judge([der, old], ca));
});

test('L16 path: a fault is given as the reason only if the path reaches an anchor', async () => {
  const stranger = await createTestCa({ trustDomain });
  const issuing = await stranger.intermediate(past);
  const { chain } = await issuing.issue();
  refuses('EXPIRED', () => judge(chain, stranger));
  refuses('UNTRUSTED_CHAIN', () => judge(chain, ca));
  const late = await stranger.issue(past);
  refuses('UNTRUSTED_CHAIN', () => judge(late.chain, ca));
});

test('T4 path: cross-signed CAs lead to whichever anchor is in the bundle', async () => {
  const oldRoot = await createTestCa({ trustDomain });
  const newRoot = await createTestCa({ trustDomain });
  const bridge = await oldRoot.crossSign(newRoot);
  const { der } = await newRoot.issue();
  assert.equal(judge([der, bridge], oldRoot).path.length, 3);
  assert.equal(judge([der, bridge], newRoot).path.length, 2);
  refuses('UNTRUSTED_CHAIN', () => judge([der], oldRoot));
});

test('T16 path: two CAs that sign each other are no endless way', async () => {
  const a = await createTestCa({ trustDomain });
  const b = await createTestCa({ trustDomain });
  const { der } = await a.issue();
  const [ab, ba] = [await a.crossSign(b), await b.crossSign(a)];
  refuses('UNTRUSTED_CHAIN', () => judge([der, ab, ba, a.der, b.der], ca));
});

test('L16 path: at most 8 certificates long', async () => {
  let issuing = ca;
  for (let i = 0; i < 6; i++) issuing = await issuing.intermediate();
  const longest = await issuing.issue();
  assert.equal(judge(longest.chain, ca).path.length, 8);
  const longer = await (await issuing.intermediate()).issue();
  refuses('UNTRUSTED_CHAIN', () => judge(longer.chain, ca));
  assert.throws(() => judge(longer.chain, ca), /more than 8 certificates/);
});

test('T16 path: at most 32 signatures are looked at, however many CAs share a name', async () => {
  const name = 'CN=everybody';
  const twins = await Promise.all(
    Array.from({ length: 40 }, () => createTestCa({ trustDomain, name, withoutKeyIds: true })),
  );
  const signer = await createTestCa({ trustDomain, name, withoutKeyIds: true });
  const { chain } = await signer.issue({ withoutKeyIds: true });
  refuses('UNTRUSTED_CHAIN', () => judge(chain, ...twins));
  assert.throws(() => judge(chain, ...twins), /more than 32 signatures/);
  assert.equal(judge(chain, ...twins.slice(0, 31), signer).path.length, 2);
});

test('L16 path: key identifiers find the right one of many CAs with one name', async () => {
  const name = 'CN=everybody';
  const twins = await Promise.all(Array.from({ length: 40 }, () => createTestCa({ trustDomain, name })));
  const signer = await createTestCa({ trustDomain, name });
  const { chain } = await signer.issue();
  assert.equal(judge(chain, ...twins, signer).path.length, 2);
});

test('L16 path: a key identifier is no proof', async () => {
  const keyId = Buffer.from(ca.certificate().subjectKeyId ?? '', 'hex');
  const claim = extension(ExtensionId.authorityKeyId, false, sequence(tlv(0x80, keyId)));
  const forger = await createTestCa({ trustDomain, name: ca.name });
  const { chain } = await forger.issue({ withoutKeyIds: true, rewrite: { extensions: (list) => [...list, claim] } });
  refuses('UNTRUSTED_CHAIN', () => judge(chain, ca));
});

test('L16 path: name constraints reach through intermediates and over DNS names', async () => {
  const root = await createTestCa({
    trustDomain,
    nameConstraints: { permittedUri: ['example.org'], permittedDns: ['example.org'] },
  });
  const issuing = await root.intermediate();
  const inside = await issuing.issue({ dnsNames: ['a.example.org'] });
  assert.equal(judge(inside.chain, root).path.length, 3);
  const outside = await issuing.issue({ dnsNames: ['a.example.com'] });
  refuses('NAME_CONSTRAINT', () => judge(outside.chain, root));
});

test('L16 path: CA and leaf keys of different kinds', async () => {
  for (const keyType of ['ec-p384', 'rsa-2048', 'ed25519'] as const) {
    const root = await createTestCa({ trustDomain, keyType });
    const { chain } = await root.issue();
    assert.equal(judge(chain, root).path.length, 2, keyType);
  }
});

test('L13 path: a leaf that is no CA cannot issue, even with keyCertSign taken on by a certificate of its own', async () => {
  const leaf = await ca.issue({ path: '/leaf', commonName: 'leaf' });
  const holder = { name: 'CN=leaf', keys: leaf.keys };
  const keys = await createTestKeys();
  const forged = await createTestCertificate({ name: '', keys }, holder, { uris: ['spiffe://example.org/admin'] });
  refuses('UNTRUSTED_CHAIN', () => judge([forged, leaf.der], ca));
  const selfMade = await createTestCertificate(holder, holder, { isCa: true, keyUsage: caUsage });
  refuses('UNTRUSTED_CHAIN', () => judge([forged, selfMade, leaf.der], ca));
});

test('path: the verdict is the same with cold and warm caches', async () => {
  const issuing = await ca.intermediate();
  const { chain } = await issuing.issue();
  const forged = await (await createTestCa({ trustDomain, name: ca.name })).issue();
  for (let round = 0; round < 3; round++) {
    assert.equal(judge(chain, ca).path.length, 3);
    refuses('UNTRUSTED_CHAIN', () => judge(forged.chain, ca));
    if (round === 1) {
      clearCertificateCache();
      clearSignatureCache();
    }
  }
});
