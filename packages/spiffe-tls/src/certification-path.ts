/**
 * Finds a valid path from a leaf to an anchor of one bundle (RFC 5280, 6.1), synchronously. A depth-first search over the
 * certificates the peer sent and the bundle's, bounded in depth and in signature checks, so that cross-signed mazes cost no more
 * than a long chain. The reason given for a refusal is one that alone stood in the way, if there is one.
 */
import type { ParsedCertificate } from './certificate.ts';
import { quote, SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import { LruCache } from './lru-cache.ts';
import { checkNameConstraints } from './name-constraints.ts';
import type { X509Bundle } from './x509-bundle.ts';
import { ROLE_PURPOSE, type TlsRole } from './x509-svid-rules.ts';

/** The most certificates in a path, leaf and anchor included. */
export const MAX_PATH_LENGTH = 8;
/** The most signatures looked at in one search. */
export const MAX_SIGNATURE_CHECKS = 32;

/** What a path is looked for with. */
export interface PathInput {
  readonly leaf: ParsedCertificate;
  /** What else the peer sent: candidates, in any order, trusted for nothing. */
  readonly intermediates: readonly ParsedCertificate[];
  readonly bundle: X509Bundle;
  readonly nowMs: number;
  /** The role whose purpose a CA's extendedKeyUsage must allow, if it has one. */
  readonly role: TlsRole | undefined;
}

interface Search extends PathInput {
  checksLeft: number;
  /** The first fault of a path that had no other and did reach an anchor. */
  fault: SpiffeTlsError | undefined;
  /** Why the search found no path at all, for the message. */
  deadEnd: string;
}

const ANY_PURPOSE = '2.5.29.37.0';
const signatures = new LruCache<string, boolean>(4096);

/**
 * The path, leaf first and anchor last.
 * @throws {SpiffeTlsError} `EXPIRED`, `NOT_YET_VALID`, `NAME_CONSTRAINT`, `KEY_USAGE`, `EXTENDED_KEY_USAGE`,
 * `CRITICAL_EXTENSION_UNKNOWN` or `WEAK_KEY_OR_SIGNATURE` when that is all that is wrong with a path to an anchor; else
 * `UNTRUSTED_CHAIN`.
 */
export function findCertificationPath(input: PathInput): readonly ParsedCertificate[] {
  const search: Search = {
    ...input,
    checksLeft: MAX_SIGNATURE_CHECKS,
    fault: undefined,
    deadEnd: 'no issuer of the leaf',
  };
  const path = extend(search, [input.leaf], faultOfTime(input.leaf, input.nowMs));
  if (path !== undefined) return path;
  throw search.fault ?? untrusted(search);
}

/** Empties the cache of signature results. For benchmarks and tests. */
export function clearSignatureCache(): void {
  signatures.clear();
}

function extend(
  search: Search,
  path: readonly ParsedCertificate[],
  fault: SpiffeTlsError | undefined,
): readonly ParsedCertificate[] | undefined {
  const last = path[path.length - 1] ?? search.leaf;
  if (path.length > 1 && search.bundle.has(last)) return finish(search, path, fault);
  if (path.length >= MAX_PATH_LENGTH) {
    search.deadEnd = `a path of more than ${MAX_PATH_LENGTH} certificates`;
    return undefined;
  }
  for (const issuer of candidates(search, path, last)) {
    if (!isSignedBy(search, last, issuer)) continue;
    const found = extend(search, [...path, issuer], fault ?? faultOfIssuer(search, issuer, path));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An anchor is reached. A path with a fault is remembered as the reason, in case that no other is without. */
function finish(
  search: Search,
  path: readonly ParsedCertificate[],
  fault: SpiffeTlsError | undefined,
): readonly ParsedCertificate[] | undefined {
  const problem = fault ?? faultOfNames(path);
  if (problem === undefined) return path;
  search.fault ??= problem;
  return undefined;
}

/** Certificates whose subject is the child's issuer, anchors and matching key identifiers first. */
function candidates(
  search: Search,
  path: readonly ParsedCertificate[],
  child: ParsedCertificate,
): readonly ParsedCertificate[] {
  const sent = search.intermediates.filter((c) => c.subjectKey === child.issuerKey && !search.bundle.has(c));
  const named = [...search.bundle.withSubject(child.issuerKey), ...sent];
  // The same name with the same key is the same authority: taking it again could only go round in circles.
  const fresh = named.filter(
    (c) => !path.some((p) => p.subjectKey === c.subjectKey && p.spkiFingerprint256 === c.spkiFingerprint256),
  );
  if (fresh.length === 0 && search.checksLeft > 0) search.deadEnd = `no certificate of ${nameOf(child.x509.issuer)}`;
  const hinted = (c: ParsedCertificate): boolean =>
    child.authorityKeyId !== undefined && c.subjectKeyId === child.authorityKeyId;
  return [...fresh.filter(hinted), ...fresh.filter((c) => !hinted(c))];
}

function isSignedBy(search: Search, child: ParsedCertificate, issuer: ParsedCertificate): boolean {
  if (search.checksLeft === 0) {
    search.deadEnd = `more than ${MAX_SIGNATURE_CHECKS} signatures to check`;
    return false;
  }
  search.checksLeft--;
  const valid = issuer.keyVerifiable && cachedSignature(child, issuer);
  if (!valid) search.deadEnd = `a signature that is not by ${nameOf(issuer.x509.subject)}`;
  return valid;
}

/** Only what the two certificates alone decide is kept: never time, membership of a bundle, or a verdict. */
function cachedSignature(child: ParsedCertificate, issuer: ParsedCertificate): boolean {
  const key = `${child.fingerprint256}:${issuer.spkiFingerprint256}`;
  const known = signatures.get(key);
  if (known !== undefined) return known;
  const valid = checkSignature(child, issuer);
  signatures.set(key, valid);
  return valid;
}

function checkSignature(child: ParsedCertificate, issuer: ParsedCertificate): boolean {
  try {
    return child.x509.verify(issuer.x509.publicKey);
  } catch {
    // A key that can't check this kind of signature did not make it.
    return false;
  }
}

/** What is wrong with `issuer` signing the last certificate of `path`, the signature itself apart. */
function faultOfIssuer(
  search: Search,
  issuer: ParsedCertificate,
  path: readonly ParsedCertificate[],
): SpiffeTlsError | undefined {
  const below = path.slice(1).filter((c) => c.subjectKey !== c.issuerKey).length;
  const child = path.length > 1 ? path[path.length - 1] : undefined;
  return (
    faultOfAuthority(issuer, below) ??
    faultOfStrength(issuer.weakKey ?? child?.weakSignature, issuer) ??
    faultOfPurpose(search, issuer) ??
    faultOfTime(issuer, search.nowMs)
  );
}

function faultOfAuthority(issuer: ParsedCertificate, intermediatesBelow: number): SpiffeTlsError | undefined {
  const { isCa, keyUsage, pathLength, unknownCritical } = issuer;
  if (!isCa) return fault('UNTRUSTED_CHAIN', issuer, 'an issuer that is a CA', 'cA FALSE');
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) {
    return fault('KEY_USAGE', issuer, 'an issuer with keyCertSign', [...keyUsage].join(' '));
  }
  if (pathLength !== undefined && intermediatesBelow > pathLength) {
    return fault('UNTRUSTED_CHAIN', issuer, `at most ${pathLength} intermediates below`, `${intermediatesBelow}`);
  }
  const [unknown] = unknownCritical;
  return unknown === undefined
    ? undefined
    : fault('CRITICAL_EXTENSION_UNKNOWN', issuer, 'no unknown critical extension', unknown);
}

function faultOfStrength(weakness: string | undefined, issuer: ParsedCertificate): SpiffeTlsError | undefined {
  return weakness === undefined
    ? undefined
    : fault('WEAK_KEY_OR_SIGNATURE', issuer, 'strong keys and signatures in the path', weakness);
}

function faultOfPurpose({ role, bundle }: Search, issuer: ParsedCertificate): SpiffeTlsError | undefined {
  const purposes = issuer.extendedKeyUsage;
  // An anchor's own purposes are its owner's business: who put it in the bundle trusts it for SVIDs.
  if (role === undefined || purposes === undefined || bundle.has(issuer)) return undefined;
  if (purposes.includes(ROLE_PURPOSE[role]) || purposes.includes(ANY_PURPOSE)) return undefined;
  return fault('EXTENDED_KEY_USAGE', issuer, `an issuer allowed for TLS ${role}s`, purposes.join(' '));
}

function faultOfTime(certificate: ParsedCertificate, nowMs: number): SpiffeTlsError | undefined {
  const { notBeforeMs, notAfterMs } = certificate;
  const iso = (ms: number): string => new Date(ms).toISOString();
  if (nowMs < notBeforeMs) {
    return fault('NOT_YET_VALID', certificate, `notBefore at or before ${iso(nowMs)}`, iso(notBeforeMs));
  }
  // A certificate is valid through the whole second that notAfter names.
  if (nowMs >= notAfterMs + 1000) {
    return fault('EXPIRED', certificate, `notAfter at or after ${iso(nowMs)}`, iso(notAfterMs));
  }
  return undefined;
}

/** Each CA's name constraints hold for all below it; a self-issued intermediate is exempt (RFC 5280, 6.1.3 b). */
function faultOfNames(path: readonly ParsedCertificate[]): SpiffeTlsError | undefined {
  try {
    for (const [index, { nameConstraints }] of path.entries()) {
      if (nameConstraints === undefined) continue;
      for (const [below, certificate] of path.slice(0, index).entries()) {
        const exempt = below > 0 && certificate.subjectKey === certificate.issuerKey;
        if (!exempt) checkNameConstraints(nameConstraints, certificate);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof SpiffeTlsError) return error;
    throw error;
  }
}

function fault(code: SpiffeTlsErrorCode, at: ParsedCertificate, expected: string, got: string): SpiffeTlsError {
  const value = quote(got);
  return new SpiffeTlsError(code, `x509 path: certificate ${at.serialNumber}: expected ${expected}, got ${value}`, {
    expected,
    got: value,
  });
}

function untrusted({ bundle, deadEnd }: Search): SpiffeTlsError {
  const expected = `a path to the bundle of ${quote(bundle.trustDomain.name)} (${bundle.authorities.length} authorities)`;
  return new SpiffeTlsError('UNTRUSTED_CHAIN', `x509 path: expected ${expected}, got ${deadEnd}`, {
    expected,
    got: deadEnd,
  });
}

function nameOf(distinguishedName: string): string {
  return quote(distinguishedName.replaceAll('\n', ', '));
}
