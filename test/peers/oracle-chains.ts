/**
 * Certificate chains for the comparisons: of any shape, right in all respects or with one or two things broken.
 */
import { TrustDomain } from '@countersign/spiffe-tls';
import {
  createTestCa,
  ExtensionId,
  type IssueOptions,
  KeyPurpose,
  KeyUsageFlags,
  type TestCa,
  type TestCaOptions,
  type TestKeyType,
  tlv,
} from '@countersign/testkit';
import fc from 'fast-check';

export const trustDomain = TrustDomain.parse('example.org');
const minutes = (count: number): Date => new Date(Date.now() + count * 60_000);
const past = { notBefore: minutes(-120), notAfter: minutes(-60) };
const future = { notBefore: minutes(60), notAfter: minutes(120) };
const id = 'spiffe://example.org/workload';

/** What can be wrong with, or odd about, any certificate. */
const common = {
  expired: past,
  'not valid yet': future,
  'unknown critical extension': { unknownCritical: '1.2.3.4' },
  'SHA-1': { hash: 'SHA-1' },
  'no key identifiers': { withoutKeyIds: true },
  'malformed basicConstraints': { rawExtensions: { [ExtensionId.basicConstraints]: tlv(0x05) } },
  'malformed keyUsage': { rawExtensions: { [ExtensionId.keyUsage]: tlv(0x05) } },
  'basicConstraints twice': { duplicateExtension: ExtensionId.basicConstraints },
  'no keyUsage': { keyUsage: null },
  'code signing only': { extendedKeyUsage: [KeyPurpose.codeSigning] },
  'servers only': { extendedKeyUsage: [KeyPurpose.serverAuth] },
  'any purpose': { extendedKeyUsage: [KeyPurpose.any] },
} as const satisfies Record<string, IssueOptions & Partial<TestCaOptions>>;

const leafFaults: Readonly<Record<string, IssueOptions>> = {
  ...common,
  'a CA': { isCa: true },
  keyCertSign: { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign },
  'no digitalSignature': { keyUsage: KeyUsageFlags.keyEncipherment },
  'keyUsage not critical': { keyUsageCritical: false },
  'no URI': { uris: [], dnsNames: ['a.example.org'] },
  'two URIs': { uris: [id, `${id}/2`] },
  'no path': { uris: ['spiffe://example.org'] },
  'an upper-case host': { uris: ['spiffe://EXAMPLE.org/workload'] },
  'another host name': { dnsNames: ['a.example.com'] },
  'a host name': { dnsNames: ['a.example.org'] },
  'an empty subject': { emptySubject: true },
  'RSA 1024': { keyType: 'rsa-1024' },
};

const caFaults: Readonly<Record<string, Partial<TestCaOptions>>> = {
  ...common,
  'no CA': { isCa: false },
  'no basicConstraints': { rawExtensions: { [ExtensionId.basicConstraints]: null } },
  'no keyCertSign': { keyUsage: KeyUsageFlags.cRLSign },
  'signs leaves only': { pathLength: 0 },
  'one below': { pathLength: 1 },
  'this host only': { nameConstraints: { permittedUri: ['example.org'] } },
  'hosts below this one only': { nameConstraints: { permittedUri: ['.example.org'] } },
  'another host only': { nameConstraints: { permittedUri: ['example.com'] } },
  'not this host': { nameConstraints: { excludedUri: ['example.org'] } },
  'these DNS names only': { nameConstraints: { permittedDns: ['example.org'] } },
  'not these DNS names': { nameConstraints: { excludedDns: ['example.org'] } },
  'email names only of this host': { nameConstraints: { permittedEmail: ['example.org'] } },
  'RSA 1024': { keyType: 'rsa-1024' },
};

interface Fault {
  /** 0 is the leaf, the last one the root. */
  readonly level: number;
  readonly name: string;
}

/** How a chain is made. */
export interface ChainSpec {
  readonly intermediates: number;
  readonly faults: readonly Fault[];
  readonly keyTypes: readonly TestKeyType[];
  readonly sent: 'as made' | 'reversed' | 'with the root' | 'with junk' | 'without the first' | 'altered';
  /** Which certificate is the anchor: the root, or the CA below it. */
  readonly anchor: 'root' | 'issuer' | 'other root' | 'all';
}

/** Chains, most of them with one thing broken. */
export const chainSpecs: fc.Arbitrary<ChainSpec> = fc.integer({ min: 0, max: 3 }).chain((intermediates) => {
  const fault = fc
    .integer({ min: 0, max: intermediates + 1 })
    .chain((level) =>
      fc.constantFrom(...Object.keys(level === 0 ? leafFaults : caFaults)).map((name) => ({ level, name })),
    );
  return fc.record({
    intermediates: fc.constant(intermediates),
    faults: fc.oneof(
      { weight: 1, arbitrary: fc.constant([]) },
      { weight: 4, arbitrary: fc.tuple(fault) },
      { weight: 2, arbitrary: fc.tuple(fault, fault) },
    ),
    keyTypes: fc.array(fc.constantFrom<TestKeyType>('ec-p256', 'ec-p256', 'ec-p384', 'ed25519'), {
      minLength: 5,
      maxLength: 5,
    }),
    sent: often<ChainSpec['sent']>('as made', 'reversed', 'with the root', 'with junk', 'without the first', 'altered'),
    anchor: often<ChainSpec['anchor']>('root', 'issuer', 'other root', 'all'),
  });
});

function often<Value>(first: Value, ...rest: Value[]): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(first) }, fc.constantFrom(...rest));
}

/** A chain as a peer sends it, and the anchors that it is judged by. */
export interface MadeChain {
  readonly what: string;
  readonly chain: readonly Uint8Array[];
  readonly anchors: readonly Uint8Array[];
}

const stranger = await createTestCa({ trustDomain });

/** Makes the certificates. */
export async function makeChain(spec: ChainSpec): Promise<MadeChain> {
  const optionsAt = (level: number): Partial<TestCaOptions> & IssueOptions =>
    Object.assign(
      { keyType: spec.keyTypes[level] ?? 'ec-p256' },
      ...spec.faults
        .filter((fault) => fault.level === level)
        .map(({ name }) => (level === 0 ? leafFaults : caFaults)[name]),
    );
  const cas: [TestCa, ...TestCa[]] = [await createTestCa({ trustDomain, ...optionsAt(spec.intermediates + 1) })];
  for (let level = spec.intermediates; level > 0; level -= 1) {
    cas.unshift(await cas[0].intermediate(optionsAt(level)));
  }
  const leaf = await cas[0].issue(optionsAt(0));
  const root = cas[cas.length - 1] ?? cas[0];
  const anchors = { root: [root], issuer: [cas[0]], 'other root': [stranger], all: [...cas, stranger] }[spec.anchor];
  return {
    what: JSON.stringify({ ...spec, keyTypes: undefined }),
    chain: sentOf(spec, leaf.chain, root),
    anchors: anchors.map(({ der }) => der),
  };
}

function sentOf(
  { sent }: ChainSpec,
  [leaf = new Uint8Array(), ...rest]: readonly Uint8Array[],
  root: TestCa,
): Uint8Array[] {
  const chain = [leaf, ...rest];
  if (sent === 'reversed') return [leaf, ...rest.reverse()];
  if (sent === 'with the root') return [...chain, root.der];
  if (sent === 'with junk') return [leaf, stranger.der, ...rest, stranger.der];
  if (sent === 'without the first') return [leaf, ...rest.slice(1)];
  return sent === 'altered' ? [leaf.with(-1, (leaf.at(-1) ?? 0) ^ 1), ...rest] : chain;
}
