/**
 * Chains and bundles that each break one rule of path validation or of trust domains. See `bad-certificate.ts`.
 */
import { type SpiffeTlsErrorCode, X509Bundle } from '@countersign/spiffe-tls';
import {
  type BadCertificate,
  type BadCertificateWorld,
  type BadPresentation,
  BAD_CERTIFICATE_ID as ID,
  present,
  presentLeaf,
} from './bad-certificate.ts';
import { sequence, tlv } from './der-writer.ts';
import { createTestCa, type TestCa, type TestCaOptions } from './test-ca.ts';
import { createTestCertificate, ExtensionId, KeyPurpose, KeyUsageFlags } from './test-certificate.ts';
import { createTestKeys } from './test-keys.ts';

const trustDomain = 'example.org';
const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);

/** Faults of an issuer, told by the same code whether it is an intermediate or the anchor. */
const faults: readonly (readonly [string, SpiffeTlsErrorCode, () => Partial<TestCaOptions>])[] = [
  ['that is no CA', 'UNTRUSTED_CHAIN', () => ({ isCa: false })],
  ['without basicConstraints', 'UNTRUSTED_CHAIN', () => ({ rawExtensions: { [ExtensionId.basicConstraints]: null } })],
  ['without keyCertSign', 'KEY_USAGE', () => ({ keyUsage: KeyUsageFlags.cRLSign })],
  ['that has expired', 'EXPIRED', () => ({ notBefore: minutes(-2), notAfter: minutes(-1) })],
  ['that is not valid yet', 'NOT_YET_VALID', () => ({ notBefore: minutes(10), notAfter: minutes(20) })],
  ['with an unknown critical extension', 'CRITICAL_EXTENSION_UNKNOWN', () => ({ unknownCritical: '1.2.3.4' })],
  ['with an RSA key of 1024 bits', 'WEAK_KEY_OR_SIGNATURE', () => ({ keyType: 'rsa-1024' })],
  ['for other hosts only', 'NAME_CONSTRAINT', () => ({ nameConstraints: { permittedUri: ['example.com'] } })],
  ['not for this host', 'NAME_CONSTRAINT', () => ({ nameConstraints: { excludedUri: ['example.org'] } })],
  [
    'for other hosts only, and not critical',
    'NAME_CONSTRAINT',
    () => ({ nameConstraints: { permittedUri: ['example.com'], critical: false } }),
  ],
];

const issuers: readonly BadCertificate[] = faults.flatMap(([rule, code, options]) => [
  {
    rule: `L16 an intermediate ${rule}`,
    code,
    make: async ({ ca }) => presentLeaf(await ca.intermediate(options())),
  },
  {
    rule: `L16 an anchor ${rule}`,
    code,
    make: async () => {
      const anchor = await createTestCa({ trustDomain, ...options() });
      return presentLeaf(anchor, {}, [anchor.bundle()]);
    },
  },
]);

const intermediates: readonly BadCertificate[] = [
  {
    rule: 'L16 an intermediate signed with SHA-1',
    code: 'WEAK_KEY_OR_SIGNATURE',
    make: async ({ ca }) => presentLeaf(await ca.intermediate({ hash: 'SHA-1' })),
  },
  {
    rule: 'L16 an intermediate limited to another purpose',
    code: 'EXTENDED_KEY_USAGE',
    make: async ({ ca }) => presentLeaf(await ca.intermediate({ extendedKeyUsage: [KeyPurpose.codeSigning] })),
  },
  {
    rule: 'T17 an intermediate with malformed basicConstraints',
    code: 'CERTIFICATE_MALFORMED',
    make: async ({ ca }) =>
      presentLeaf(await ca.intermediate({ rawExtensions: { [ExtensionId.basicConstraints]: tlv(0x05) } })),
  },
  {
    rule: 'L16 an intermediate that may sign leaves only, above another',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => presentLeaf(await (await ca.intermediate({ pathLength: 0 })).intermediate()),
  },
  {
    rule: 'L16 an anchor that may sign leaves only, above an intermediate',
    code: 'UNTRUSTED_CHAIN',
    make: async () => {
      const anchor = await createTestCa({ trustDomain, pathLength: 0 });
      return presentLeaf(await anchor.intermediate(), {}, [anchor.bundle()]);
    },
  },
  {
    rule: 'L16 DNS names outside of what an intermediate may sign',
    code: 'NAME_CONSTRAINT',
    make: async ({ ca }) =>
      presentLeaf(await ca.intermediate({ nameConstraints: { permittedDns: ['example.org'] } }), {
        dnsNames: ['example.com'],
      }),
  },
  {
    rule: 'L21 an intermediate is missing',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => {
      const { der, keys } = await (await ca.intermediate()).issue();
      return present([der], keys);
    },
  },
  {
    rule: 'L13 a leaf in the place of an intermediate',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => {
      const holder = await ca.issue({ path: '/holder', commonName: 'holder' });
      const keys = await createTestKeys();
      const signer = { name: 'CN=holder', keys: holder.keys };
      return present([await createTestCertificate({ name: '', keys }, signer, { uris: [ID] }), holder.der], keys);
    },
  },
];

const trust: readonly BadCertificate[] = [
  {
    rule: 'L17 T6 a trust domain without a bundle',
    code: 'NO_BUNDLE',
    make: ({ stranger }) => presentLeaf(stranger),
  },
  {
    rule: 'L22 T5 a trust domain with an empty bundle',
    code: 'NO_BUNDLE',
    make: ({ ca }) => presentLeaf(ca, {}, [new X509Bundle(ca.trustDomain, [])]),
  },
  {
    rule: "L17 T4 an ID that another trust domain's CA has signed",
    code: 'UNTRUSTED_CHAIN',
    make: ({ federated }) => presentLeaf(federated, { uris: [ID] }),
  },
  {
    rule: "L17 T4 another trust domain's root sent along as an intermediate",
    code: 'UNTRUSTED_CHAIN',
    make: async ({ federated, ca }) => {
      const { der, keys } = await federated.issue({ uris: [ID] });
      return present([der, federated.der, ca.der], keys);
    },
  },
  {
    rule: 'L17 T4 a CA of another trust domain that claims ours',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ federated }) => presentLeaf(await federated.intermediate({ trustDomain })),
  },
  {
    rule: 'L17 T4 a CA with the name of ours',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => presentLeaf(await createTestCa({ trustDomain, name: ca.name })),
  },
  {
    rule: 'L17 T4 our CA cross-signed by one that is not in the bundle',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ stranger }) => {
      const issuing = await createTestCa({ trustDomain });
      const { der, keys } = await issuing.issue();
      return present([der, await stranger.crossSign(issuing)], keys);
    },
  },
  {
    rule: 'L19 a CA that has left the bundle',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => presentLeaf(ca, {}, [(await createTestCa({ trustDomain })).bundle()]),
  },
  {
    rule: 'L18 T32 a CA of the bundle as the peer',
    code: 'SVID_PATH_EMPTY',
    make: async ({ ca }) => present([ca.der], ca.keys),
  },
  {
    rule: 'L18 T32 a leaf that is in the bundle itself',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => {
      const { der, keys } = await ca.issue();
      return present([der], keys, [X509Bundle.fromDer(ca.trustDomain, der)]);
    },
  },
];

const bounds: readonly BadCertificate[] = [
  { rule: 'T16 a chain of 100 certificates', code: 'CHAIN_TOO_LONG', make: (world) => padded(world, 99) },
  { rule: 'L21 a chain of 11 certificates', code: 'CHAIN_TOO_LONG', make: (world) => padded(world, 10) },
  {
    rule: 'T16 a leaf of more than 64 KiB',
    code: 'CERTIFICATE_TOO_LARGE',
    make: ({ ca }) =>
      presentLeaf(ca, {
        rawExtensions: {
          [ExtensionId.subjectAltName]: sequence(tlv(0x86, Buffer.from(ID)), tlv(0x82, Buffer.alloc(65_536, 'a'))),
        },
      }),
  },
  {
    rule: 'T16 a chain of more than 64 KiB',
    code: 'CERTIFICATE_TOO_LARGE',
    make: async ({ ca }) => {
      const { der, keys } = await ca.issue();
      const dnsNames = Array.from({ length: 700 }, (_, i) => `${i}.example.org`);
      const { der: large } = await ca.issue({ path: '/large', dnsNames });
      return present([der, ...Array.from({ length: 6 }, () => large)], keys);
    },
  },
  {
    rule: 'L16 a path of more than 8 certificates',
    code: 'UNTRUSTED_CHAIN',
    make: async ({ ca }) => {
      let issuing: TestCa = ca;
      for (let depth = 0; depth < 7; depth += 1) issuing = await issuing.intermediate();
      return presentLeaf(issuing);
    },
  },
  {
    rule: 'T16 more than 32 authorities of one name to try',
    code: 'UNTRUSTED_CHAIN',
    make: async () => {
      const options = { trustDomain, name: 'CN=everybody', withoutKeyIds: true };
      const twins = await Promise.all(Array.from({ length: 33 }, () => createTestCa(options)));
      const [last] = twins.slice(-1);
      if (last === undefined) throw new Error('there are twins');
      const bundle = new X509Bundle(
        last.trustDomain,
        twins.map((twin) => twin.certificate()),
      );
      return presentLeaf(last, { withoutKeyIds: true }, [bundle]);
    },
  },
];

/** A good leaf with `count` certificates behind it that nobody needs. */
async function padded({ ca, stranger }: BadCertificateWorld, count: number): Promise<BadPresentation> {
  const { der, keys } = await ca.issue();
  return present([der, ...Array.from({ length: count }, () => stranger.der)], keys);
}

/** Chains that each break one rule, though the leaf alone looks right. */
export const badChains: readonly BadCertificate[] = [...issuers, ...intermediates, ...trust, ...bounds];
