/**
 * Which files hold an X.509 identity, and what they mean: the layouts of the producers, and from the bytes of one
 * consistent read to an SVID and bundles. Pure; reading is the job of `file-set.ts`.
 */
import type { ParsedCertificate } from './certificate.ts';
import { quote, refusal, SpiffeTlsError } from './errors.ts';
import { unreadable } from './file-set.ts';
import { type PemBlock, parsePem } from './pem.ts';
import { TrustDomain } from './trust-domain.ts';
import { X509Bundle, X509BundleSet } from './x509-bundle.ts';
import type { X509Material } from './x509-context.ts';
import { parseX509Svid } from './x509-svid.ts';

/** Who writes the files. */
export type X509FileProducer = 'csi-driver-spiffe' | 'spiffe-helper';

/** Names of the files, relative to the directory or absolute. */
export interface X509FileNames {
  /** The chain in PEM, leaf first. */
  readonly certificate: string;
  /** The private key in PEM, PKCS#8. */
  readonly privateKey: string;
  /** The CA certificates of the own trust domain in PEM. */
  readonly bundle: string;
}

/** The files of a source, and how far the bundle file may be believed. */
export interface X509FileLayout {
  readonly producer: X509FileProducer;
  readonly names: X509FileNames;
  /** Trust domain to file. Where given, `names.bundle` is not read. */
  readonly bundles?: ReadonlyMap<string, string>;
}

const NAMES: Readonly<Record<X509FileProducer, X509FileNames>> = {
  'csi-driver-spiffe': { certificate: 'tls.crt', privateKey: 'tls.key', bundle: 'ca.crt' },
  'spiffe-helper': { certificate: 'svid.pem', privateKey: 'svid_key.pem', bundle: 'svid_bundle.pem' },
};

/** What a caller may say about a layout. */
export interface X509FileLayoutOptions {
  readonly producer: X509FileProducer;
  readonly names?: Partial<X509FileNames>;
  readonly bundles?: Readonly<Record<string, string>>;
}

/**
 * Fills in the producer's usual names.
 * @throws {TypeError} for an unknown producer, or an empty mapping.
 * @throws {SpiffeTlsError} `INVALID_TRUST_DOMAIN` for a key of `bundles` that is none.
 */
export function resolveLayout({ producer, names = {}, bundles }: X509FileLayoutOptions): X509FileLayout {
  if (!Object.hasOwn(NAMES, producer)) {
    throw new TypeError(`x509 files: "producer" must be one of ${Object.keys(NAMES).join(', ')}, got ${producer}`);
  }
  if (bundles !== undefined && Object.keys(bundles).length === 0) {
    throw new TypeError('x509 files: "bundles" must name at least one trust domain; leave it out for the usual file');
  }
  for (const trustDomain of Object.keys(bundles ?? {})) TrustDomain.parse(trustDomain);
  return {
    producer,
    names: { ...NAMES[producer], ...names },
    ...(bundles && { bundles: new Map(Object.entries(bundles)) }),
  };
}

/** Every file to read, each once. */
export function filesOf({ names, bundles }: X509FileLayout): string[] {
  const anchors = bundles === undefined ? [names.bundle] : bundles.values();
  return [...new Set([names.certificate, names.privateKey, ...anchors])];
}

/**
 * Turns the bytes of one read into an SVID and its bundles.
 * @throws {SpiffeTlsError} `FILE_UNREADABLE` and `BUNDLE_MISSING` for files that do not exist, `BUNDLE_AMBIGUOUS`,
 * `INVALID_BUNDLE`, or the code of the rule that the SVID breaks.
 */
export function parseX509Files(layout: X509FileLayout, lookUp: (name: string) => Buffer | undefined): X509Material {
  const { names, bundles } = layout;
  const contentOf = (name: string): Buffer => lookUp(name) ?? missing(name, layout);
  const svid = parseX509Svid({
    chainDer: Buffer.concat(blocksOf(contentOf(names.certificate), names.certificate, 'CERTIFICATE')),
    keyDer: onlyKey(contentOf(names.privateKey), names.privateKey),
  });
  if (bundles === undefined) {
    const bundle = readBundle(svid.id.trustDomain, contentOf(names.bundle), names.bundle);
    for (const authority of bundle.authorities) checkBelongs(authority, bundle, layout);
    return { svids: [svid], bundles: X509BundleSet.of(bundle) };
  }
  const mapped = [...bundles].map(([name, file]) => {
    const bundle = readBundle(TrustDomain.parse(name), contentOf(file), file);
    for (const authority of bundle.authorities) checkNotForeign(authority, bundle.trustDomain, file);
    return bundle;
  });
  return { svids: [svid], bundles: X509BundleSet.of(...mapped) };
}

function missing(file: string, { producer, names, bundles }: X509FileLayout): never {
  if (producer !== 'csi-driver-spiffe' || bundles !== undefined || file !== names.bundle) {
    throw unreadable(file, new Error('no such file'));
  }
  const expected = `csi-driver-spiffe must be configured with root CAs, so that it writes ${quote(file)}`;
  throw refusal('BUNDLE_MISSING', 'x509 files', `${expected}, or "bundles" must name a file`, 'no such file');
}

function blocksOf(content: Buffer, file: string, label: string): Uint8Array[] {
  const blocks = readBlocks(content, file);
  const other = blocks.find((block) => block.label !== label);
  if (other !== undefined || blocks.length === 0) {
    const rule = `${quote(file)} must hold ${label} blocks and no others`;
    throw refusal('CERTIFICATE_MALFORMED', 'x509 files', rule, other === undefined ? 'none' : quote(other.label));
  }
  return blocks.map(({ der }) => der);
}

/** Nothing that was found in a key's file is quoted, not even a label. */
function onlyKey(content: Buffer, file: string): Uint8Array {
  const blocks = readBlocks(content, file);
  const [key] = blocks;
  if (key === undefined || blocks.length > 1 || key.label !== 'PRIVATE KEY') {
    const rule = `${quote(file)} must hold one PRIVATE KEY block (unencrypted PKCS#8)`;
    throw refusal('PRIVATE_KEY_INVALID', 'x509 files', rule, 'something else');
  }
  return key.der;
}

function readBlocks(content: Buffer, file: string): PemBlock[] {
  try {
    return parsePem(content.toString('latin1'));
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    const details = {
      cause,
      ...(cause.expected && { expected: cause.expected }),
      ...(cause.got && { got: cause.got }),
    };
    throw new SpiffeTlsError(cause.code, `x509 files: ${quote(file)}: ${cause.message}`, details);
  }
}

/** An empty file is a write that has only begun: it must not become a bundle that trusts nobody. */
function readBundle(trustDomain: TrustDomain, content: Buffer, file: string): X509Bundle {
  const bundle = X509Bundle.fromPem(trustDomain, content.toString('latin1'));
  if (bundle.authorities.length > 0) return bundle;
  throw refusal('INVALID_BUNDLE', 'x509 files', `${quote(file)} must hold at least one CA certificate`, 'none');
}

/**
 * ZERO TRUST: a file says nothing about which trust domain its CAs belong to, and spiffe-helper can merge federated trust
 * domains, and intermediates, into one. An anchor of the own trust domain can mint any identity in it, so one that may be
 * another's is not taken on trust.
 */
function checkBelongs(authority: ParsedCertificate, bundle: X509Bundle, { producer, names }: X509FileLayout): void {
  checkNotForeign(authority, bundle.trustDomain, names.bundle);
  // csi-driver-spiffe writes the roots that its operator configured, and cert-manager's CAs seldom have a URI SAN.
  if (producer === 'csi-driver-spiffe') return;
  const own = bundle.trustDomain.id;
  if (authority.uriSans.length !== 1) {
    throw ambiguous(names.bundle, `every CA must name its trust domain (${quote(own)}) in one URI SAN`, 'none in one');
  }
  if (authority.issuerKey !== authority.subjectKey) {
    throw ambiguous(names.bundle, 'every CA must be a root', 'an intermediate');
  }
}

function checkNotForeign(authority: ParsedCertificate, trustDomain: TrustDomain, file: string): void {
  const foreign = authority.uriSans.find((uri) => uri !== trustDomain.id);
  if (foreign === undefined) return;
  throw ambiguous(file, `every CA must belong to the trust domain ${quote(trustDomain.name)}`, quote(foreign));
}

function ambiguous(file: string, rule: string, got: string): SpiffeTlsError {
  const remedy = 'give a bundle file for each trust domain by "bundles"';
  const message = `x509 files: ${quote(file)}: ${rule} (otherwise ${remedy}), got ${got}`;
  return new SpiffeTlsError('BUNDLE_AMBIGUOUS', message, { expected: rule, got });
}
