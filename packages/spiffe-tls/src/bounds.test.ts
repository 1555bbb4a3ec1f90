/**
 * Every bound of what others can send: what has exactly the size is read, one more is refused with its code. The table of
 * docs/reference/bounds.md lists the same.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createTestCa, extension, sequence, type TestCa, tlv } from '@countersign/testkit';
import { claimsWith, createJwtKey, encode, jwksOf, jwtBundleOf, NOW_MS, signToken } from '../test/jwt-fixture.ts';
import { parseBundleDocument } from './bundle-document.ts';
import { BundleMap } from './bundle-map.ts';
import { parseCertificate } from './certificate.ts';
import { DerReader, DerTag, readDerElement, readOid } from './der.ts';
import { refusal, type SpiffeTlsErrorCode } from './errors.ts';
import { JwtBundle, JwtBundleSet } from './jwt-bundle.ts';
import { parseJwtBundles } from './jwt-bundles-response.ts';
import { validateJwtSvid } from './jwt-svid.ts';
import { decodeJwt } from './jwt-token.ts';
import { checkNameConstraints } from './name-constraints.ts';
import { SpiffeId } from './spiffe-id.ts';
import { parseStrictJson } from './strict-json.ts';
import { TrustDomain } from './trust-domain.ts';
import { verifyX509Svid } from './verify-peer.ts';
import { checkSvidBounds } from './workload-api-bounds.ts';
import { parseWorkloadEndpoint } from './workload-endpoint.ts';
import { X509Bundle, X509BundleSet } from './x509-bundle.ts';
import { parseBundleMap } from './x509-context.ts';

const trustDomain = TrustDomain.parse('example.org');
// Ed25519, because its signatures all have one length, and so has a certificate made twice.
const ca = await createTestCa({ trustDomain, keyType: 'ed25519' });
const leaf = await ca.issue();
const key = createJwtKey();
const jwks = jwksOf(key);
const aMiB = 1024 * 1024;
const nowMs = Date.now();

/** What is read, its bound, the code for one more, and how to read something of a size. */
type Row = readonly [what: string, bound: number, code: SpiffeTlsErrorCode, read: (size: number) => unknown];

const identities: readonly Row[] = [
  ['bytes of a SPIFFE ID', 2048, 'INVALID_SPIFFE_ID', (n) => SpiffeId.parse(`spiffe://a/${'b'.repeat(n - 11)}`)],
  ['bytes of a trust domain', 255, 'INVALID_TRUST_DOMAIN', (n) => TrustDomain.parse('a'.repeat(n))],
  ['bytes of a socket path', 107, 'INVALID_ENDPOINT', (n) => parseWorkloadEndpoint(`unix:/${'a'.repeat(n - 1)}`)],
];

const certificates: readonly Row[] = [
  ['levels of DER', 16, 'CERTIFICATE_MALFORMED', (n) => nested(n)],
  ['bytes of an object identifier', 64, 'CERTIFICATE_MALFORMED', (n) => oidOf(Buffer.alloc(n, 0x81).with(-1, 1))],
  ['bytes of a certificate', 65_536, 'CERTIFICATE_TOO_LARGE', async (n) => parseCertificate(await certificateOf(n))],
  [
    'certificates sent',
    10,
    'CHAIN_TOO_LONG',
    (n) => verify([leaf.der, ...Array.from({ length: n - 1 }, () => ca.der)]),
  ],
  [
    'bytes of a chain sent',
    65_536,
    'CERTIFICATE_TOO_LARGE',
    async (n) => verify([leaf.der, await certificateOf(n - leaf.der.length)]),
  ],
  ['URI SANs of a leaf', 1, 'URI_SAN_COUNT', async (n) => verify((await ca.issue({ uris: idsOf(n) })).chain)],
  ['certificates of a path', 8, 'UNTRUSTED_CHAIN', (n) => pathOf(n)],
  ['signatures looked at for a path', 32, 'UNTRUSTED_CHAIN', (n) => namesakes(n)],
  ['comparisons of names for a CA and a certificate', 250_000, 'NAME_CONSTRAINT', (n) => compareNames(n)],
];

const bundles: readonly Row[] = [
  ['bytes of an X.509 bundle', aMiB, 'INVALID_BUNDLE', (n) => X509Bundle.fromPem(trustDomain, ' '.repeat(n))],
  ['bytes of a JWKS', aMiB, 'INVALID_BUNDLE', (n) => JwtBundle.fromJwks(trustDomain, padded(jwks, n))],
  ['keys of a JWKS', 512, 'INVALID_BUNDLE', (n) => JwtBundle.fromJwks(trustDomain, keysOf(n))],
  ['bytes of a bundle document', aMiB, 'INVALID_BUNDLE', (n) => parseBundleDocument(trustDomain, padded(jwks, n))],
  ['keys of a bundle document', 512, 'INVALID_BUNDLE', (n) => parseBundleDocument(trustDomain, keysOf(n))],
  ['bytes of a bundle map', 16 * aMiB, 'INVALID_BUNDLE', (n) => BundleMap.parse(padded(mapOf(1), n))],
  ['entries of a bundle map', 10_000, 'INVALID_BUNDLE', (n) => BundleMap.parse(mapOf(n))],
  ['levels of JSON', 16, 'INVALID_BUNDLE', (n) => readJson('['.repeat(n) + 1 + ']'.repeat(n))],
  ['digits of a JSON number', 64, 'INVALID_BUNDLE', (n) => readJson('1'.repeat(n))],
];

const tokens: readonly Row[] = [
  ['characters of a JWT-SVID', 16_384, 'JWT_MALFORMED', (n) => decodeJwt(tokenOf(n))],
  ['characters of its kid', 1024, 'JWT_HEADER', (n) => decodeJwt(tokenWith({ kid: 'k'.repeat(n) }))],
  ['entries of its aud', 32, 'JWT_CLAIM', (n) => decodeJwt(tokenWith({}, { aud: Array(n).fill('a') }))],
  ['keys tried for one without kid', 16, 'JWT_SIGNATURE', (n) => tryKeys(n)],
];

const messages: readonly Row[] = [
  ['SVIDs of a message', 1000, 'WORKLOAD_API', (n) => checkSvidBounds(Array(n).fill({ hint: '' }))],
  ['bytes of a hint', 1024, 'WORKLOAD_API', (n) => checkSvidBounds([{ hint: 'h'.repeat(n) }])],
  ['X.509 bundles of a message', 10_000, 'WORKLOAD_API', (n) => parseBundleMap(entriesOf(n, new Uint8Array()))],
  [
    'JWT bundles of a message',
    10_000,
    'WORKLOAD_API',
    (n) => parseJwtBundles({ bundles: entriesOf(n, Buffer.from('{"keys":[]}')) }),
  ],
];

const table = [...identities, ...certificates, ...bundles, ...tokens, ...messages];

for (const [what, bound, code, read] of table) {
  test(`T15 T16 bound: ${bound} ${what}, and no more`, async () => {
    await read(bound);
    await assert.rejects(async () => read(bound + 1), { name: 'SpiffeTlsError', code });
  });
}

test('docs/reference/bounds.md lists these bounds and no other', () => {
  const text = readFileSync(new URL('../../../docs/reference/bounds.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| ([^|]+) \| ([0-9 ]+) \| `([A-Z_]+)` \|/gm)];
  const documented = rows.map(([, what, bound, code]) => [what, Number(bound?.replaceAll(' ', '')), code]);
  assert.deepEqual(
    documented,
    table.map(([what, bound, code]) => [what, bound, code]),
  );
});

function nested(levels: number): void {
  const inner = Array.from({ length: levels }).reduce<Uint8Array>((content) => sequence(content), new Uint8Array());
  let reader = new DerReader(inner);
  while (!reader.done) reader = reader.enter(DerTag.sequence, 'level');
}

function oidOf(content: Uint8Array): string {
  return readOid(readDerElement(tlv(DerTag.oid, content), DerTag.oid, 'oid'), 'oid');
}

async function certificateOf(size: number): Promise<Uint8Array> {
  const issue = async (padding: number): Promise<Uint8Array> => {
    const filler = extension('1.2.3.4', false, Buffer.alloc(padding));
    return (await ca.issue({ rewrite: { extensions: (list) => [...list, filler] } })).der;
  };
  const { length } = await issue(60_000);
  const der = await issue(60_000 + size - length);
  assert.equal(der.length, size);
  return der;
}

function verify(chain: readonly Uint8Array[], anchors: readonly TestCa[] = [ca]): void {
  const bundle = new X509Bundle(
    trustDomain,
    anchors.map((anchor) => anchor.certificate()),
  );
  verifyX509Svid({ chain, bundles: X509BundleSet.of(bundle), nowMs });
}

function idsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `spiffe://example.org/${i}`);
}

async function pathOf(length: number): Promise<void> {
  let issuing = ca;
  for (let i = 2; i < length; i += 1) issuing = await issuing.intermediate();
  verify((await issuing.issue()).chain);
}

/** All but the last of the authorities have the name of the leaf's issuer and not its key. */
async function namesakes(count: number): Promise<void> {
  const options = { trustDomain, name: 'CN=everybody', withoutKeyIds: true };
  const all = await Promise.all(Array.from({ length: count }, () => createTestCa(options)));
  const issued = await all.at(-1)?.issue({ withoutKeyIds: true });
  verify(issued?.chain ?? [], all);
}

function compareNames(count: number): void {
  const base = { form: 2, text: 'a' };
  const names = { subjectAltNames: Array<typeof base>(count).fill(base), subjectEmpty: true };
  checkNameConstraints({ permitted: [base], excluded: [] }, names);
}

function padded(document: Uint8Array, size: number): Uint8Array {
  return Buffer.concat([document, Buffer.alloc(size - document.length, ' ')]);
}

function keysOf(count: number): Uint8Array {
  return Buffer.from(JSON.stringify({ keys: Array(count).fill({}) }));
}

function mapOf(count: number): Uint8Array {
  return Buffer.from(JSON.stringify({ trust_domains: entriesOf(count, { keys: [] }, '') }));
}

function entriesOf<Value>(count: number, value: Value, prefix = 'spiffe://'): Record<string, Value> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}.example`, value]));
}

function readJson(text: string): unknown {
  return parseStrictJson(text, (rule, got) => refusal('INVALID_BUNDLE', 'test', rule, got));
}

function tokenWith(header: object, claims: Readonly<Record<string, unknown>> = {}): string {
  const parts = [{ alg: 'ES256', ...header }, claimsWith(claims)].map((part) => encode(JSON.stringify(part)));
  return [...parts, encode('signature')].join('.');
}

/** Its signature makes up the length: 4 characters for 3 bytes, 2 for one. */
function tokenOf(length: number): string {
  const start = tokenWith({}).split('.').slice(0, 2).join('.');
  const token = `${start}.${'A'.repeat(length - start.length - 1)}`;
  assert.equal(token.length, length);
  return token;
}

function tryKeys(count: number): void {
  const strangers = Array.from({ length: count - 1 }, (_, i) => createJwtKey('P-256', `stranger-${i}`));
  const set = JwtBundleSet.of(jwtBundleOf('example.org', ...strangers, key));
  const token = signToken(key, 'ES256', { header: { alg: 'ES256' } });
  validateJwtSvid(token, { audience: 'spiffe://example.org/backend', bundles: set, nowMs: NOW_MS });
}
