/**
 * One certificate for a test: right in every respect that its options don't make wrong. Generated with `@peculiar/x509`, so that
 * the reader under test is never checked against its own author's writer.
 */
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import {
  type CertificateRewrite,
  elementsOf,
  extension,
  oid,
  rewriteCertificate,
  sequence,
  tlv,
} from './der-writer.ts';
import type { TestHash, TestKeys } from './test-keys.ts';

/** Object identifiers of the extensions tests play with. */
export const ExtensionId = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Bits for {@link TestCertificateOptions.keyUsage}. */
export const KeyUsageFlags = {
  digitalSignature: 1,
  keyEncipherment: 4,
  keyAgreement: 16,
  keyCertSign: 32,
  cRLSign: 64,
} as const;

/** Key purposes for {@link TestCertificateOptions.extendedKeyUsage}. */
export const KeyPurpose = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  any: '2.5.29.37.0',
} as const;

/** Hosts for the subtrees of a name constraints extension. */
export interface TestNameConstraints {
  readonly permittedUri?: readonly string[];
  readonly excludedUri?: readonly string[];
  readonly permittedDns?: readonly string[];
  readonly excludedDns?: readonly string[];
  readonly permittedEmail?: readonly string[];
  /** Default `true`. */
  readonly critical?: boolean;
}

/** What may be asked of a certificate; every default gives a proper one. */
export interface TestCertificateOptions {
  /** URI SANs, in order; an empty list for none. */
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Default: the first DNS name; without one the subject is empty. */
  readonly commonName?: string;
  /** Leaves the subject empty and makes the SAN critical, whatever the names. */
  readonly emptySubject?: boolean;
  /** Default: a minute ago. */
  readonly notBefore?: Date;
  /** Default: in an hour. */
  readonly notAfter?: Date;
  /** Hexadecimal. Default: 16 random bytes, positive. */
  readonly serialNumber?: string;
  readonly isCa?: boolean;
  readonly pathLength?: number;
  /** Bits of {@link KeyUsageFlags}; `null` leaves the extension out. */
  readonly keyUsage?: number | null;
  /** Default `true`. */
  readonly keyUsageCritical?: boolean;
  /** Object identifiers; `null` leaves the extension out. */
  readonly extendedKeyUsage?: readonly string[] | null;
  readonly nameConstraints?: TestNameConstraints;
  /** Leaves out both key identifiers. */
  readonly withoutKeyIds?: boolean;
  /** Object identifier of an extension that nobody knows, marked critical. */
  readonly unknownCritical?: string;
  readonly hash?: TestHash;
  /** Replaces the value of extensions by these bytes, by object identifier; `null` removes one. */
  readonly rawExtensions?: Readonly<Record<string, Uint8Array | null>>;
  /** Object identifier of an extension to list twice. */
  readonly duplicateExtension?: string;
  /** Any other change, made last, before the certificate is signed again. */
  readonly rewrite?: CertificateRewrite;
}

/** Who signs. */
export interface TestIssuer {
  readonly name: string;
  readonly keys: TestKeys;
}

const MINUTE_MS = 60_000;

/** Makes a certificate over `subject`'s key, signed by `issuer`. */
export async function createTestCertificate(
  subject: TestIssuer,
  issuer: TestIssuer,
  options: TestCertificateOptions,
): Promise<Uint8Array> {
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: options.serialNumber ?? `4${randomBytes(16).toString('hex').slice(1)}`,
    subject: options.emptySubject === true ? '' : subject.name,
    issuer: issuer.name,
    notBefore: options.notBefore ?? new Date(now - MINUTE_MS),
    notAfter: options.notAfter ?? new Date(now + 60 * MINUTE_MS),
    publicKey: subject.keys.pair.publicKey,
    signingKey: issuer.keys.pair.privateKey,
    signingAlgorithm: { hash: options.hash ?? 'SHA-256' },
    extensions: await extensionsOf(subject, issuer, options),
  });
  const der = new Uint8Array(certificate.rawData);
  const rewrite = rewriteOf(options);
  return rewrite === undefined ? der : rewriteCertificate(der, issuer.keys.privateKey, rewrite);
}

async function extensionsOf(
  subject: TestIssuer,
  issuer: TestIssuer,
  options: TestCertificateOptions,
): Promise<x509.Extension[]> {
  const { isCa = false, keyUsage = 1, extendedKeyUsage = null, nameConstraints, unknownCritical } = options;
  const extensions: x509.Extension[] = [new x509.BasicConstraintsExtension(isCa, options.pathLength, true)];
  if (keyUsage !== null) extensions.push(new x509.KeyUsagesExtension(keyUsage, options.keyUsageCritical ?? true));
  if (extendedKeyUsage !== null) extensions.push(new x509.ExtendedKeyUsageExtension([...extendedKeyUsage], false));
  const names = subjectAltNames(options);
  const sanCritical = options.emptySubject === true || subject.name === '';
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names, sanCritical));
  if (nameConstraints !== undefined) extensions.push(nameConstraintsExtension(nameConstraints));
  if (unknownCritical !== undefined) extensions.push(new x509.Extension(unknownCritical, true, tlv(0x05)));
  if (options.withoutKeyIds === true) return extensions;
  const subjectKeyId = await x509.SubjectKeyIdentifierExtension.create(subject.keys.pair.publicKey);
  const authorityKeyId = await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.pair.publicKey);
  return [...extensions, subjectKeyId, authorityKeyId];
}

function subjectAltNames({ uris = [], dnsNames = [] }: TestCertificateOptions): x509.JsonGeneralNames {
  const dns = dnsNames.map((value) => ({ type: 'dns' as const, value }));
  return [...dns, ...uris.map((value) => ({ type: 'url' as const, value }))];
}

function nameConstraintsExtension(constraints: TestNameConstraints): x509.Extension {
  const subtrees = (tag: number, hosts: readonly string[] = []): Uint8Array[] =>
    hosts.map((host) => sequence(tlv(tag, Buffer.from(host))));
  const { permittedUri, excludedUri, permittedDns, excludedDns, permittedEmail } = constraints;
  const permitted = [
    ...subtrees(0x86, permittedUri),
    ...subtrees(0x82, permittedDns),
    ...subtrees(0x81, permittedEmail),
  ];
  const excluded = [...subtrees(0x86, excludedUri), ...subtrees(0x82, excludedDns)];
  const value = sequence(
    ...(permitted.length > 0 ? [tlv(0xa0, ...permitted)] : []),
    ...(excluded.length > 0 ? [tlv(0xa1, ...excluded)] : []),
  );
  return new x509.Extension(ExtensionId.nameConstraints, constraints.critical ?? true, value);
}

/** `@peculiar/x509` reads what it has made and would refuse to: malformed extensions are put in afterwards. */
function rewriteOf({
  rawExtensions,
  duplicateExtension,
  rewrite,
}: TestCertificateOptions): CertificateRewrite | undefined {
  if (rawExtensions === undefined && duplicateExtension === undefined) return rewrite;
  return {
    ...rewrite,
    extensions: (list) => {
      const replaced = replaceValues(list, rawExtensions ?? {});
      const twice = replaced.filter((e) => duplicateExtension !== undefined && hasId(e, duplicateExtension));
      const all = [...replaced, ...twice];
      return rewrite?.extensions?.(all) ?? all;
    },
  };
}

function replaceValues(list: readonly Uint8Array[], values: Readonly<Record<string, Uint8Array | null>>): Uint8Array[] {
  const kept = list.filter((e) => !Object.keys(values).some((id) => hasId(e, id)));
  const fresh = Object.entries(values).flatMap(([id, value]) => (value === null ? [] : [extension(id, true, value)]));
  return [...kept, ...fresh];
}

function hasId(element: Uint8Array, id: string): boolean {
  const [found] = elementsOf(element);
  return found !== undefined && Buffer.compare(found, oid(id)) === 0;
}
