/**
 * Leaf certificates that each break one rule of X509-SVID or of RFC 5280. See `bad-certificate.ts`.
 */
import type { SpiffeTlsErrorCode, TlsRole } from '@countersign/spiffe-tls';
import { type BadCertificate, BAD_CERTIFICATE_ID as ID, present, presentLeaf } from './bad-certificate.ts';
import { extension, oid, sequence, tlv } from './der-writer.ts';
import type { IssueOptions } from './test-ca.ts';
import { ExtensionId, KeyPurpose, KeyUsageFlags } from './test-certificate.ts';

/** Options of the leaf, for all roles or by the peer's role. */
type LeafOptions = IssueOptions | ((role: TlsRole) => IssueOptions);

function leaf(rule: string, code: SpiffeTlsErrorCode, options: LeafOptions): BadCertificate {
  const optionsFor = (role: TlsRole): IssueOptions => (typeof options === 'function' ? options(role) : options);
  return { rule, code, make: ({ ca }, role) => presentLeaf(ca, optionsFor(role)) };
}

/** A SAN that holds this text as its one URI, which a generator would refuse to write. */
function uriSan(text: string): IssueOptions {
  return raw(ExtensionId.subjectAltName, sequence(tlv(0x86, Buffer.from(text, 'latin1'))));
}

function raw(id: string, value: Uint8Array | null): IssueOptions {
  return { rawExtensions: { [id]: value } };
}

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const otherPurpose = { client: KeyPurpose.serverAuth, server: KeyPurpose.clientAuth } as const;

const identities: readonly BadCertificate[] = [
  leaf('L10 no URI SAN', 'URI_SAN_COUNT', { uris: [], dnsNames: ['workload.example.org'] }),
  leaf('L10 no SAN, the ID in the CN', 'URI_SAN_COUNT', { uris: [], commonName: ID }),
  leaf('L10 two SPIFFE IDs', 'URI_SAN_COUNT', { uris: [ID, 'spiffe://example.org/admin'] }),
  leaf('L10 the same SPIFFE ID twice', 'URI_SAN_COUNT', { uris: [ID, ID] }),
  leaf('T19 two URIs, the first of them SPIFFE', 'URI_SAN_COUNT', { uris: [ID, 'https://example.org/'] }),
  leaf('T19 two URIs, the second of them SPIFFE', 'URI_SAN_COUNT', { uris: ['https://example.org/', ID] }),
  leaf(
    'T19 the ID as a DNS name only',
    'URI_SAN_COUNT',
    raw(ExtensionId.subjectAltName, sequence(tlv(0x82, Buffer.from(ID)))),
  ),
  leaf('T16 1000 URI SANs', 'URI_SAN_COUNT', { uris: Array.from({ length: 1000 }, (_, i) => `${ID}/${i}`) }),
  leaf('L11 T18 the ID of a trust domain', 'SVID_PATH_EMPTY', { uris: ['spiffe://example.org'] }),
  leaf('L11 T18 the root path', 'URI_SAN_INVALID', uriSan('spiffe://example.org/')),
  leaf('L1 another scheme', 'URI_SAN_INVALID', { uris: ['https://example.org/workload'] }),
  leaf('L1 no trust domain', 'URI_SAN_INVALID', uriSan('spiffe:///workload')),
  leaf('L1 a query', 'URI_SAN_INVALID', uriSan(`${ID}?admin`)),
  leaf('L1 a fragment', 'URI_SAN_INVALID', uriSan(`${ID}#admin`)),
  leaf('L2 a port', 'URI_SAN_INVALID', uriSan('spiffe://example.org:443/workload')),
  leaf('L2 userinfo', 'URI_SAN_INVALID', uriSan('spiffe://admin@example.org/workload')),
  leaf('L6 an upper-case trust domain', 'URI_SAN_INVALID', uriSan('spiffe://EXAMPLE.org/workload')),
  leaf('L6 an upper-case scheme', 'URI_SAN_INVALID', uriSan('SPIFFE://example.org/workload')),
  leaf('L4 a percent sign', 'URI_SAN_INVALID', uriSan('spiffe://example.org/%77orkload')),
  leaf('L4 a ".." segment', 'URI_SAN_INVALID', uriSan('spiffe://example.org/x/../workload')),
  leaf('L4 an empty segment', 'URI_SAN_INVALID', uriSan('spiffe://example.org//workload')),
  leaf('L4 a trailing slash', 'URI_SAN_INVALID', uriSan(`${ID}/`)),
  leaf('L5 an ID of more than 2048 bytes', 'URI_SAN_INVALID', uriSan(`${ID}/${'a'.repeat(3000)}`)),
  leaf('T19 another SAN in the text of one', 'URI_SAN_INVALID', uriSan(`${ID}, URI:spiffe://example.org/admin`)),
  leaf('T19 a NUL in the ID', 'URI_SAN_INVALID', uriSan(`${ID}\0.evil`)),
  leaf('L4 a URI that is not ASCII', 'CERTIFICATE_MALFORMED', uriSan('spiffe://example.org/w\u00f6rkload')),
];

const usages: readonly BadCertificate[] = [
  leaf('L13 L18 a CA', 'SVID_IS_CA', { isCa: true }),
  leaf('L13 keyCertSign', 'KEY_USAGE', { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign }),
  leaf('L13 cRLSign', 'KEY_USAGE', { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.cRLSign }),
  leaf('L14 no keyUsage', 'KEY_USAGE', { keyUsage: null }),
  leaf('L14 a keyUsage that is not critical', 'KEY_USAGE', { keyUsageCritical: false }),
  leaf('L14 a keyUsage without digitalSignature', 'KEY_USAGE', { keyUsage: KeyUsageFlags.keyEncipherment }),
  leaf('L15 the purpose of the other role', 'EXTENDED_KEY_USAGE', (role) => ({
    extendedKeyUsage: [otherPurpose[role]],
  })),
  leaf('L15 any purpose', 'EXTENDED_KEY_USAGE', { extendedKeyUsage: [KeyPurpose.any] }),
  leaf('L15 another purpose', 'EXTENDED_KEY_USAGE', { extendedKeyUsage: [KeyPurpose.codeSigning] }),
  leaf('L16 an unknown critical extension', 'CRITICAL_EXTENSION_UNKNOWN', { unknownCritical: '1.2.3.4' }),
  leaf('L16 an RSA key of 1024 bits', 'WEAK_KEY_OR_SIGNATURE', { keyType: 'rsa-1024' }),
  leaf('L16 a SHA-1 signature', 'WEAK_KEY_OR_SIGNATURE', { hash: 'SHA-1' }),
];

const malformed: readonly BadCertificate[] = (
  [
    ['T17 a basicConstraints that is none', raw(ExtensionId.basicConstraints, tlv(0x05))],
    ['T17 cA FALSE written out', raw(ExtensionId.basicConstraints, bytes('3003010100'))],
    ['T17 a cA that is neither true nor false', raw(ExtensionId.basicConstraints, bytes('3003010101'))],
    ['T17 a path length without cA', raw(ExtensionId.basicConstraints, bytes('3003020100'))],
    ['T17 a keyUsage that is none', raw(ExtensionId.keyUsage, tlv(0x05))],
    ['T17 a keyUsage without a bit', raw(ExtensionId.keyUsage, bytes('03020700'))],
    ['T17 a keyUsage with a bit in its padding', raw(ExtensionId.keyUsage, bytes('03020781'))],
    ['T17 a keyUsage with bytes behind it', raw(ExtensionId.keyUsage, bytes('0302078000'))],
    ['T17 an extendedKeyUsage that is none', raw(ExtensionId.extendedKeyUsage, tlv(0x05))],
    ['T17 an extendedKeyUsage without a purpose', raw(ExtensionId.extendedKeyUsage, sequence())],
    ['T17 a subjectAltName that is none', raw(ExtensionId.subjectAltName, tlv(0x05))],
    ['T17 a subjectAltName without a name', raw(ExtensionId.subjectAltName, sequence())],
    ['T17 an unknown form of name', raw(ExtensionId.subjectAltName, sequence(tlv(0x86, Buffer.from(ID)), tlv(0x8a)))],
    ['T17 malformed name constraints', raw(ExtensionId.nameConstraints, sequence())],
    ['T17 a malformed subjectKeyIdentifier', raw(ExtensionId.subjectKeyId, tlv(0x05))],
    ['T17 a malformed authorityKeyIdentifier', raw(ExtensionId.authorityKeyId, tlv(0x05))],
    ['T17 a length in more bytes than it needs', raw(ExtensionId.keyUsage, bytes('0381020780'))],
    ['T17 a subjectAltName twice', { duplicateExtension: ExtensionId.subjectAltName }],
    ['T17 a keyUsage twice', { duplicateExtension: ExtensionId.keyUsage }],
    ['T17 a basicConstraints twice', { duplicateExtension: ExtensionId.basicConstraints }],
    ['T17 critical FALSE written out', { rewrite: { extensions: (list) => [...list, falseCritical()] } }],
    ['T15 a negative serial number', rewriteTbs(1, tlv(0x02, bytes('ff')))],
    ['T15 a serial number of 22 bytes', rewriteTbs(1, tlv(0x02, Buffer.alloc(22, 0x11)))],
    ['T15 a day that does not exist', rewriteTbs(4, sequence(utcTime('260230000000Z'), utcTime('490101000000Z')))],
    ['T15 extensions in a certificate of version 1', { rewrite: { tbs: (parts) => parts.slice(1) } }],
    ['T15 version 5', rewriteTbs(0, tlv(0xa0, bytes('020104')))],
    [
      'T15 another algorithm outside than what is signed',
      { rewrite: { outerAlgorithm: sequence(oid('1.3.101.112')) } },
    ],
  ] satisfies readonly (readonly [string, IssueOptions])[]
).map(([rule, options]) => leaf(rule, 'CERTIFICATE_MALFORMED', options));

function falseCritical(): Uint8Array {
  return sequence(oid('1.2.3.4'), tlv(0x01, bytes('00')), tlv(0x04, tlv(0x05)));
}

/** Replaces one part of the tbsCertificate: 0 version, 1 serial number, 4 validity. */
function rewriteTbs(index: number, part: Uint8Array): IssueOptions {
  return { rewrite: { tbs: (parts) => parts.with(index, part) } };
}

function utcTime(text: string): Uint8Array {
  return tlv(0x17, Buffer.from(text));
}

const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);

const signed: readonly BadCertificate[] = [
  {
    rule: 'L16 a leaf that has expired',
    code: 'EXPIRED',
    make: ({ ca }) => presentLeaf(ca, { notBefore: minutes(-2), notAfter: minutes(-1) }),
  },
  {
    rule: 'L16 a leaf that is not valid yet',
    code: 'NOT_YET_VALID',
    make: ({ ca }) => presentLeaf(ca, { notBefore: minutes(10), notAfter: minutes(20) }),
  },
  {
    rule: 'L16 a signature with one bit changed',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => {
      const { der, keys } = await ca.issue();
      return present([der.with(-1, (der.at(-1) ?? 0) ^ 1)], keys);
    },
  },
  {
    rule: 'L16 an ID altered after it was signed',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => {
      const { der, keys } = await ca.issue({ path: '/worklord' });
      return present([der.with(Buffer.from(der).indexOf('/worklord') + 7, 'a'.charCodeAt(0))], keys);
    },
  },
  {
    rule: 'T15 a byte behind the certificate',
    code: 'CERTIFICATE_MALFORMED',
    notOnWire: 'OpenSSL neither loads such a certificate nor takes one from a peer',
    make: async ({ ca }) => {
      const { der, keys } = await ca.issue();
      return present([Buffer.concat([der, bytes('00')])], keys);
    },
  },
  {
    rule: 'T15 a field more in the signed part',
    code: 'CERTIFICATE_MALFORMED',
    notOnWire: 'OpenSSL neither loads such a certificate nor takes one from a peer',
    make: ({ ca }) => presentLeaf(ca, { rewrite: { tbs: (parts) => [...parts, tlv(0x05)] } }),
  },
  {
    rule: 'T17 an empty list of extensions',
    code: 'CERTIFICATE_MALFORMED',
    make: ({ ca }) => presentLeaf(ca, { rewrite: { extensions: () => [] } }),
  },
  {
    rule: 'L16 a critical extension that is known as a hint only',
    code: 'CRITICAL_EXTENSION_UNKNOWN',
    make: ({ ca }) =>
      presentLeaf(ca, {
        rawExtensions: { [ExtensionId.subjectKeyId]: null },
        rewrite: { extensions: (list) => [...list, extension(ExtensionId.subjectKeyId, true, tlv(0x04, bytes('01')))] },
      }),
  },
];

/** Leaves that each break one rule. */
export const badLeaves: readonly BadCertificate[] = [...identities, ...usages, ...malformed, ...signed];
