/**
 * A certificate authority for tests: issues proper X.509-SVIDs, and any kind of broken one, over keys made on the spot.
 */
import {
  type ParsedCertificate,
  parseCertificate,
  parseX509Svid,
  TrustDomain,
  toPem,
  X509Bundle,
  X509BundleSet,
  type X509Context,
  type X509Svid,
} from '@countersign/spiffe-tls';
import {
  createTestCertificate,
  KeyPurpose,
  KeyUsageFlags,
  type TestCertificateOptions,
  type TestIssuer,
} from './test-certificate.ts';
import { createTestKeys, type TestKeys, type TestKeyType } from './test-keys.ts';

/** What an SVID is asked for with: by default `spiffe://<trust domain>/workload` on an EC P-256 key. */
export interface IssueOptions extends TestCertificateOptions {
  /** The path of the one URI SAN, with its slash. Default `/workload`. `uris` takes precedence. */
  readonly path?: string;
  readonly keyType?: TestKeyType;
  /** Keys to certify in place of new ones. */
  readonly keys?: TestKeys;
  readonly hint?: string;
}

/** A certificate with its key, in all the forms that tests need. */
export interface IssuedSvid {
  readonly der: Uint8Array;
  /** Leaf and intermediates, as a peer sends them. */
  readonly chain: readonly Uint8Array[];
  /** The same, concatenated as in the Workload API. */
  readonly chainDer: Uint8Array;
  readonly keyDer: Uint8Array;
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly keys: TestKeys;
  /** Parses it as an own SVID: throws for broken ones. */
  svid(): X509Svid;
}

/** How a CA is made. */
export interface TestCaOptions extends TestCertificateOptions {
  /** Its URI SAN is `spiffe://<trust domain>`. */
  readonly trustDomain: string | TrustDomain;
  readonly keyType?: TestKeyType;
  readonly keys?: TestKeys;
  /** Default: unique. Two CAs of one name and other keys are a case of their own. */
  readonly name?: string;
}

/** A CA: a root, or an intermediate of one. */
export interface TestCa extends TestIssuer {
  readonly trustDomain: TrustDomain;
  /** The CA's own certificate. */
  readonly der: Uint8Array;
  readonly pem: string;
  /** Intermediates from this CA up to the root, the root left out; empty for a root. */
  readonly intermediates: readonly Uint8Array[];
  certificate(): ParsedCertificate;
  issue(options?: IssueOptions): Promise<IssuedSvid>;
  /** A CA below this one. `trustDomain` may be another's: that is an attack. */
  intermediate(options?: Partial<TestCaOptions>): Promise<TestCa>;
  /** Certifies another CA's name and key by this one. */
  crossSign(other: TestIssuer, options?: TestCertificateOptions): Promise<Uint8Array>;
  /** The bundle whose only authority is this certificate. */
  bundle(): X509Bundle;
  /** A snapshot with one SVID, this bundle, and whatever others are given. */
  context(issued: IssuedSvid, ...federated: X509Bundle[]): X509Context;
}

const CA_DEFAULTS = { isCa: true, keyUsage: KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign } as const;
let serial = 0;

/** Makes a self-signed root. */
export async function createTestCa(options: TestCaOptions): Promise<TestCa> {
  const self = await authority(options);
  const settings = { ...CA_DEFAULTS, ...caUris(options.trustDomain), ...options };
  return caOf(self, parseName(options.trustDomain), await createTestCertificate(self, self, settings), []);
}

function caOf(
  self: TestIssuer,
  trustDomain: TrustDomain,
  der: Uint8Array,
  intermediates: readonly Uint8Array[],
): TestCa {
  const bundle = (): X509Bundle => new X509Bundle(trustDomain, [parseCertificate(der)]);
  return {
    ...self,
    trustDomain,
    der,
    pem: toPem('CERTIFICATE', der),
    intermediates,
    certificate: () => parseCertificate(der),
    issue: (options = {}) => issue(self, trustDomain, intermediates, options),
    intermediate: async (options = {}) => {
      const owner = options.trustDomain ?? trustDomain;
      const below = await authority({ ...options, trustDomain: owner });
      const settings = { ...CA_DEFAULTS, ...caUris(owner), ...options };
      const belowDer = await createTestCertificate(below, self, settings);
      return caOf(below, parseName(owner), belowDer, [belowDer, ...intermediates]);
    },
    crossSign: (other, options = {}) =>
      createTestCertificate(other, self, { ...CA_DEFAULTS, ...caUris(trustDomain), ...options }),
    bundle,
    context: (issued, ...federated) => {
      const svid = issued.svid();
      return { svid, svids: [svid], bundles: X509BundleSet.of(bundle(), ...federated) };
    },
  };
}

async function issue(
  issuer: TestIssuer,
  trustDomain: TrustDomain,
  intermediates: readonly Uint8Array[],
  options: IssueOptions,
): Promise<IssuedSvid> {
  const keys = options.keys ?? (await createTestKeys(options.keyType));
  const commonName = options.commonName ?? options.dnsNames?.[0];
  const der = await createTestCertificate({ name: commonName === undefined ? '' : `CN=${commonName}`, keys }, issuer, {
    uris: [`${trustDomain.id}${options.path ?? '/workload'}`],
    extendedKeyUsage: [KeyPurpose.serverAuth, KeyPurpose.clientAuth],
    ...options,
  });
  return issuedOf([der, ...intermediates], der, keys, options.hint);
}

function issuedOf(chain: readonly Uint8Array[], der: Uint8Array, keys: TestKeys, hint = ''): IssuedSvid {
  const chainDer = Buffer.concat(chain);
  return {
    der,
    chain,
    chainDer,
    keyDer: keys.keyDer,
    certificatePem: chain.map((part) => toPem('CERTIFICATE', part)).join(''),
    keyPem: keys.keyPem,
    keys,
    svid: () => parseX509Svid({ chainDer, keyDer: keys.keyDer, hint }),
  };
}

async function authority(options: TestCaOptions): Promise<TestIssuer> {
  const name = options.name ?? `CN=CA ${++serial} of ${parseName(options.trustDomain)}, O=test`;
  return { name, keys: options.keys ?? (await createTestKeys(options.keyType, options.hash)) };
}

function caUris(trustDomain: string | TrustDomain): { uris: readonly string[] } {
  return { uris: [parseName(trustDomain).id] };
}

function parseName(trustDomain: string | TrustDomain): TrustDomain {
  return typeof trustDomain === 'string' ? TrustDomain.parse(trustDomain) : trustDomain;
}
