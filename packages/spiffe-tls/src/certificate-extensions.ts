/**
 * The extensions of a certificate that decide whether it may be a leaf or sign one (RFC 5280, 4.2.1). An extension that this
 * file knows is either understood completely or the certificate is refused: skipping a malformed one would drop its limits.
 */
import {
  type DerReader,
  DerTag,
  malformed,
  readBitString,
  readBoolean,
  readDer,
  readDerElement,
  readOid,
  readSmallInteger,
  toHex,
} from './der.ts';
import { type GeneralName, readGeneralName } from './general-name.ts';
import { type NameConstraints, parseNameConstraints } from './name-constraints.ts';

/** What a key may be used for, by the names of RFC 5280, 4.2.1.3. */
export type KeyUsage = (typeof KEY_USAGES)[number];

const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;

/** What the extensions of one certificate say. */
export interface CertificateExtensions {
  readonly isCa: boolean;
  /** How many intermediates may follow below this CA; `undefined` for no limit. */
  readonly pathLength: number | undefined;
  /** `undefined` when there is no such extension. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  readonly keyUsageCritical: boolean;
  /** Object identifiers; `undefined` when there is no such extension. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly subjectAltNames: readonly GeneralName[];
  readonly nameConstraints: NameConstraints | undefined;
  /** Hexadecimal key identifiers: hints for finding an issuer, never proof. */
  readonly subjectKeyId: string | undefined;
  readonly authorityKeyId: string | undefined;
  /** Critical extensions whose meaning this library does not know: such a certificate is in no valid path. */
  readonly unknownCritical: readonly string[];
}

interface RawExtension {
  readonly oid: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

// Key identifiers are read, but only as hints, so a critical one would not be processed as it demands.
const PROCESSED: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.basicConstraints,
  OID.nameConstraints,
  OID.extendedKeyUsage,
]);

/** Reads the Extensions sequence; `undefined` stands for a certificate without one. */
export function parseExtensions(list: DerReader | undefined): CertificateExtensions {
  const found = list === undefined ? new Map<string, RawExtension>() : readAll(list);
  const value = <T>(oid: string, parse: (bytes: Uint8Array) => T): T | undefined => {
    const extension = found.get(oid);
    return extension === undefined ? undefined : parse(extension.value);
  };
  const constraints = value(OID.basicConstraints, parseBasicConstraints);
  return {
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength,
    keyUsage: value(OID.keyUsage, parseKeyUsage),
    keyUsageCritical: found.get(OID.keyUsage)?.critical ?? false,
    extendedKeyUsage: value(OID.extendedKeyUsage, parseExtendedKeyUsage),
    subjectAltNames: value(OID.subjectAltName, parseSubjectAltName) ?? [],
    nameConstraints: value(OID.nameConstraints, parseNameConstraints),
    subjectKeyId: value(OID.subjectKeyId, parseSubjectKeyId),
    authorityKeyId: value(OID.authorityKeyId, parseAuthorityKeyId),
    unknownCritical: [...found.values()].filter((e) => e.critical && !PROCESSED.has(e.oid)).map((e) => e.oid),
  };
}

function readAll(list: DerReader): Map<string, RawExtension> {
  const found = new Map<string, RawExtension>();
  if (list.done) throw malformed('the list of extensions must not be empty');
  while (!list.done) {
    const extension = readExtension(list.enter(DerTag.sequence, 'extension'));
    if (found.has(extension.oid)) throw malformed('an extension must not appear twice', extension.oid);
    found.set(extension.oid, extension);
  }
  return found;
}

function readExtension(reader: DerReader): RawExtension {
  const oid = readOid(reader.expect(DerTag.oid, 'extension id'), 'extension id');
  const flag = reader.optional(DerTag.boolean, 'critical');
  const critical = flag !== undefined && readBoolean(flag, 'critical');
  if (flag !== undefined && !critical) throw malformed('critical must be left out when it is false');
  const { content } = reader.expect(DerTag.octetString, 'extension value');
  reader.end('extension');
  return { oid, critical, value: content };
}

function parseBasicConstraints(bytes: Uint8Array): { isCa: boolean; pathLength: number | undefined } {
  const reader = readDer(bytes, DerTag.sequence, 'basicConstraints');
  const flag = reader.optional(DerTag.boolean, 'cA');
  const isCa = flag !== undefined && readBoolean(flag, 'cA');
  if (flag !== undefined && !isCa) throw malformed('cA must be left out when it is false');
  const limit = reader.optional(DerTag.integer, 'pathLenConstraint');
  reader.end('basicConstraints');
  if (limit !== undefined && !isCa) throw malformed('only a CA may have a pathLenConstraint');
  return { isCa, pathLength: limit === undefined ? undefined : readSmallInteger(limit, 'pathLenConstraint') };
}

function parseKeyUsage(bytes: Uint8Array): ReadonlySet<KeyUsage> {
  const { bytes: bits } = readBitString(readDerElement(bytes, DerTag.bitString, 'keyUsage'), 'keyUsage');
  const usages = KEY_USAGES.filter((_, i) => ((bits[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0);
  if (usages.length === 0) throw malformed('keyUsage must have at least one bit set');
  return new Set(usages);
}

function parseExtendedKeyUsage(bytes: Uint8Array): readonly string[] {
  const reader = readDer(bytes, DerTag.sequence, 'extendedKeyUsage');
  const purposes: string[] = [];
  while (!reader.done) purposes.push(readOid(reader.expect(DerTag.oid, 'key purpose'), 'key purpose'));
  if (purposes.length === 0) throw malformed('extendedKeyUsage must name at least one purpose');
  return Object.freeze(purposes);
}

function parseSubjectAltName(bytes: Uint8Array): readonly GeneralName[] {
  const reader = readDer(bytes, DerTag.sequence, 'subjectAltName');
  const names: GeneralName[] = [];
  while (!reader.done) names.push(readGeneralName(reader.read('general name')));
  if (names.length === 0) throw malformed('subjectAltName must hold at least one name');
  return Object.freeze(names);
}

function parseSubjectKeyId(bytes: Uint8Array): string {
  return toHex(readDerElement(bytes, DerTag.octetString, 'subjectKeyIdentifier').content);
}

function parseAuthorityKeyId(bytes: Uint8Array): string | undefined {
  const reader = readDer(bytes, DerTag.sequence, 'authorityKeyIdentifier');
  const keyId = reader.optional(0x80, 'keyIdentifier');
  reader.optional(0xa1, 'authorityCertIssuer');
  reader.optional(0x82, 'authorityCertSerialNumber');
  reader.end('authorityKeyIdentifier');
  return keyId === undefined ? undefined : toHex(keyId.content);
}
