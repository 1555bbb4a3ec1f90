import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { inspect } from 'node:util';
import {
  createTestCa,
  ExtensionId,
  type IssueOptions,
  KeyPurpose,
  KeyUsageFlags,
  sequence,
  tlv,
} from '@countersign/testkit';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { parseX509Svid } from './x509-svid.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const issuing = await ca.intermediate();
const good = await issuing.issue({ path: '/ns/a/sa/b', hint: 'internal' });
const { chainDer, keyDer } = good;
const spiffeId = 'spiffe://example.org/ns/a/sa/b';

test('L21 SVID: chain, ID, hint and key as the Workload API sends them', () => {
  const svid = parseX509Svid({ spiffeId, chainDer, keyDer, hint: 'internal' });
  assert.equal(svid.id.toString(), spiffeId);
  assert.equal(svid.hint, 'internal');
  assert.deepEqual(
    svid.chain.map((c) => Buffer.from(c.der)),
    [Buffer.from(good.der), Buffer.from(issuing.der)],
  );
  assert.equal(svid.leaf, svid.chain[0]);
  assert.equal(svid.certificatePem, good.certificatePem);
  assert.equal(svid.privateKeyPem(), good.keyPem);
  assert.ok(svid.leaf.x509.checkPrivateKey(svid.privateKey));
  createSecureContext({ cert: svid.certificatePem, key: svid.privateKeyPem() });
});

test('L21 SVID: every kind of key that a CA may certify', async () => {
  for (const keyType of ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'] as const) {
    const { svid } = await ca.issue({ keyType });
    assert.equal(svid().id.toString(), 'spiffe://example.org/workload', keyType);
  }
});

const san = (text: string): IssueOptions => ({
  rawExtensions: { [ExtensionId.subjectAltName]: sequence(tlv(0x86, Buffer.from(text))) },
});

const refused: readonly (readonly [string, SpiffeTlsErrorCode, IssueOptions])[] = [
  ['L67 no SPIFFE ID', 'URI_SAN_COUNT', { uris: [] }],
  ['L67 two SPIFFE IDs', 'URI_SAN_COUNT', { uris: ['spiffe://example.org/a', 'spiffe://example.org/b'] }],
  ['L67 a URI that is no SPIFFE ID', 'URI_SAN_INVALID', { uris: ['https://example.org/a'] }],
  ['T18 the ID of a trust domain', 'SVID_PATH_EMPTY', { uris: ['spiffe://example.org'] }],
  ['T18 the root path', 'URI_SAN_INVALID', san('spiffe://example.org/')],
  ['L67 a CA', 'SVID_IS_CA', { isCa: true }],
  ['L67 keyCertSign', 'KEY_USAGE', { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign }],
  ['L67 no keyUsage', 'KEY_USAGE', { keyUsage: null }],
  ['L67 one of the two purposes', 'EXTENDED_KEY_USAGE', { extendedKeyUsage: [KeyPurpose.clientAuth] }],
  ['L67 an unknown critical extension', 'CRITICAL_EXTENSION_UNKNOWN', { unknownCritical: '1.2.3.4' }],
  ['L67 a weak key', 'WEAK_KEY_OR_SIGNATURE', { keyType: 'rsa-1024' }],
  ['T17 a malformed keyUsage', 'CERTIFICATE_MALFORMED', { rawExtensions: { [ExtensionId.keyUsage]: tlv(0x05) } }],
];

for (const [name, code, options] of refused) {
  test(`SVID: refuses ${name}`, async () => {
    const issued = await ca.issue(options);
    assert.throws(() => issued.svid(), { code });
  });
}

const stranger = await ca.issue();
const encrypted = createPrivateKey(good.keyPem).export({
  type: 'pkcs8',
  format: 'der',
  cipher: 'aes-256-cbc',
  passphrase: 'x',
});
const sec1 = createPrivateKey(good.keyPem).export({ type: 'sec1', format: 'der' });

const inputs = [
  [
    'L67 an ID other than the one announced',
    'SVID_ID_MISMATCH',
    { spiffeId: 'spiffe://example.org/other', chainDer, keyDer },
  ],
  [
    'L67 an ID announced in another case',
    'SVID_ID_MISMATCH',
    { spiffeId: spiffeId.replace('/ns', '/NS'), chainDer, keyDer },
  ],
  ['L67 an empty ID announced', 'SVID_ID_MISMATCH', { spiffeId: '', chainDer, keyDer }],
  ['L67 the key of another', 'KEY_MISMATCH', { chainDer, keyDer: stranger.keyDer }],
  [
    "L67 an intermediate's place taken by the leaf's",
    'SVID_PATH_EMPTY',
    { chainDer: Buffer.concat([issuing.der, good.der]), keyDer },
  ],
  ['T15 no bytes of a chain', 'CERTIFICATE_MALFORMED', { chainDer: new Uint8Array(), keyDer }],
  [
    'L21 padding after the chain',
    'CERTIFICATE_MALFORMED',
    { chainDer: Buffer.concat([chainDer, Buffer.from([0])]), keyDer },
  ],
  ['T15 no bytes of a key', 'PRIVATE_KEY_INVALID', { chainDer, keyDer: new Uint8Array() }],
  ['L21 bytes after the key', 'PRIVATE_KEY_INVALID', { chainDer, keyDer: Buffer.concat([keyDer, Buffer.from([0])]) }],
  ['L21 an encrypted key', 'PRIVATE_KEY_INVALID', { chainDer, keyDer: encrypted }],
  ['L21 a key in PEM', 'PRIVATE_KEY_INVALID', { chainDer, keyDer: Buffer.from(good.keyPem) }],
  ['L21 a key that is not PKCS#8', 'PRIVATE_KEY_INVALID', { chainDer, keyDer: sec1 }],
  [
    'T16 a chain of 11',
    'CHAIN_TOO_LONG',
    { chainDer: Buffer.concat(Array.from({ length: 11 }, () => good.der)), keyDer },
  ],
  ['T16 a chain of more than 64 KiB', 'CERTIFICATE_TOO_LARGE', { chainDer: Buffer.alloc(70_000, 0x30), keyDer }],
] as const;

for (const [name, code, input] of inputs) {
  test(`SVID: refuses ${name}`, () => assert.throws(() => parseX509Svid(input), { code }));
}

/** Every way in which a key could end up in a log. */
test('SVID: the private key shows nowhere', () => {
  const svid = parseX509Svid({ chainDer, keyDer });
  const secret = good.keyPem.split('\n')[1] ?? assert.fail('no key text');
  const rawSecret = Buffer.from(good.keyDer).toString('hex').slice(60, 120);
  const shown = [
    inspect(svid, { depth: 20, showHidden: true, getters: true }),
    inspect({ nested: { svid } }, { depth: 20 }),
    JSON.stringify(svid),
    JSON.stringify({ ...svid, chain: [], leaf: {} }),
    String(svid),
  ];
  for (const text of shown) {
    assert.ok(!text.includes(secret) && !text.includes(rawSecret) && !text.includes('PRIVATE KEY'), text);
  }
  assert.match(shown[0] ?? '', /spiffe:\/\/example\.org\/ns\/a\/sa\/b/);
  assert.deepEqual(
    Object.keys(svid).filter((key) => key.startsWith('private')),
    [],
  );
  assert.throws(() => Object.assign(svid, { hint: 'changed' }), TypeError);
});

test('SVID: an error about a key says nothing of it', () => {
  const broken = Buffer.from(good.keyDer);
  broken.fill(0xff, 20, 30);
  assert.throws(
    () => parseX509Svid({ chainDer, keyDer: broken }),
    (error) =>
      error instanceof SpiffeTlsError &&
      error.cause === undefined &&
      !inspect(error).includes(broken.toString('hex', 30, 40)),
  );
});

test('SVID: another key of the same kind never passes for its own', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const otherDer = privateKey.export({ type: 'pkcs8', format: 'der' });
  assert.equal(new X509Certificate(good.der).checkPrivateKey(privateKey), false);
  assert.throws(() => parseX509Svid({ chainDer, keyDer: otherDer }), { code: 'KEY_MISMATCH' });
});
