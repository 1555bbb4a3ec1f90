/**
 * Where we and another implementation differ on purpose: docs/reference/disagreements.md gives the clause and the reason of
 * each. A difference that none of these explains fails the test that finds it, and so does one of these that nothing shows.
 */
import type { Outcome } from './oracle.ts';

/** One input with what came of it on both sides. */
export interface Difference<Input> {
  readonly input: Input;
  readonly ours: Outcome;
  readonly theirs: Outcome;
}

/** A documented difference. */
export interface Disagreement<Input> {
  /** As in the document. */
  readonly id: string;
  explains(difference: Difference<Input>): boolean;
}

/** The reason for which we alone refuse. */
function weRefuse({ ours, theirs }: Difference<unknown>, reason: RegExp): boolean {
  return 'refused' in ours && 'value' in theirs && reason.test(ours.refused);
}

/** The reason for which they alone refuse. */
function theyRefuse({ ours, theirs }: Difference<unknown>, reason: RegExp): boolean {
  return 'value' in ours && 'refused' in theirs && reason.test(theirs.refused);
}

/** SPIFFE IDs and go-spiffe. */
export const idDisagreements: readonly Disagreement<string>[] = [
  { id: 'id-length', explains: (it) => weRefuse(it, /^INVALID_SPIFFE_ID: .*at most 2048 bytes/) },
  {
    id: 'trust-domain-length',
    explains: (it) =>
      weRefuse(it, /^INVALID_TRUST_DOMAIN: .*at most 255 bytes/) ||
      (weRefuse(it, /^INVALID_SPIFFE_ID: .*valid trust domain/) && /^spiffe:\/\/[^/]{256,}/.test(it.input)),
  },
];

/** Trust domains and go-spiffe. */
export const trustDomainDisagreements: readonly Disagreement<string>[] = [
  { id: 'trust-domain-length', explains: (it) => weRefuse(it, /^INVALID_TRUST_DOMAIN: .*at most 255 bytes/) },
  {
    id: 'trust-domain-of-id',
    explains: (it) => weRefuse(it, /^INVALID_TRUST_DOMAIN: /) && it.input.startsWith('spiffe://'),
  },
];

/** A document, and how many of its entries we ignore. */
export interface DocumentInput {
  readonly text: string;
  readonly ignored: number;
}

/** JWKS as the Workload API sends them, and go-spiffe. */
export const jwksDisagreements: readonly Disagreement<DocumentInput>[] = [
  { id: 'entry-ignored', explains: (it) => it.input.ignored > 0 && theyRefuse(it, /^/) },
  { id: 'entry-unusable', explains: (it) => it.input.ignored > 0 && theirsHoldsMore(it) },
  {
    id: 'member-unread',
    explains: (it) => theyRefuse(it, /unable to parse JWKS: .*(x5c|certificate|base64|cannot unmarshal)/),
  },
  { id: 'json-repeated-name', explains: (it) => weRefuse(it, /^INVALID_BUNDLE: .*twice/) },
  { id: 'json-utf-8', explains: (it) => weRefuse(it, /^INVALID_BUNDLE: .*UTF-8/) },
  {
    id: 'keys-required',
    explains: (it) => weRefuse(it, /^INVALID_BUNDLE: .*must (have a list "keys"|be a JSON object)/),
  },
  { id: 'bundle-bounds', explains: (it) => weRefuse(it, /^INVALID_BUNDLE: .*must have (at most|numbers of at most) /) },
];

/** Bundle documents and go-spiffe. */
export const documentDisagreements: readonly Disagreement<DocumentInput>[] = [
  {
    id: 'x509-entry-numbers',
    explains: (it) =>
      theyRefuse(it, /go-jose: (invalid (EC|RSA)|unsupported (key type|elliptic curve))/) &&
      it.input.text.includes('x509-svid'),
  },
  { id: 'x5c-rest', explains: (it) => theyRefuse(it, /expected a single certificate in .*; got 2/) },
  ...jwksDisagreements,
  { id: 'null-number', explains: (it) => weRefuse(it, /spiffe_(sequence|refresh_hint) must be .*got null/) },
  { id: 'negative-hint', explains: (it) => weRefuse(it, /spiffe_refresh_hint must be seconds, got a number/) },
];

/** X.509 bundles in DER and go-spiffe. */
export const derDisagreements: readonly Disagreement<string>[] = [
  { id: 'certificate-form', explains: (it) => weRefuse(it, /: certificate: (?!must have at most)/) },
  { id: 'certificate-size', explains: (it) => weRefuse(it, /: certificate: must have at most 65536 bytes/) },
  { id: 'name-unread', explains: (it) => theyRefuse(it, /x509: invalid RDNSequence/) },
  { id: 'uri-unread', explains: (it) => theyRefuse(it, /x509: cannot parse URI/) },
  {
    id: 'key-unread',
    explains: (it) => theyRefuse(it, /curve|ECDSA parameters|ecdsa: invalid|RSA (public exponent|modulus)/),
  },
  { id: 'critical-hint', explains: (it) => theyRefuse(it, /key identifier incorrectly marked critical/) },
];

/** X.509 bundles in PEM and go-spiffe; and what {@link derDisagreements} say of the certificates within. */
export const pemDisagreements: readonly Disagreement<string>[] = [
  { id: 'pem-torn', explains: (it) => weRefuse(it, /: pem: (every block must be complete|a block must be base64)/) },
  { id: 'pem-private-key', explains: (it) => weRefuse(it, /a bundle must hold certificates only/) },
  { id: 'pem-none', explains: (it) => theyRefuse(it, /no PEM blocks found/) },
];

/** They take keys that we ignore; what we take they take too. */
function theirsHoldsMore({ ours, theirs }: Difference<unknown>): boolean {
  if (!('value' in ours && 'value' in theirs)) return false;
  return isPartOf(JSON.parse(ours.value), JSON.parse(theirs.value));
}

function isPartOf(part: unknown, whole: unknown): boolean {
  if (Array.isArray(part)) return Array.isArray(whole) && part.every((item) => whole.includes(item));
  if (typeof part !== 'object' || part === null) return part === whole;
  const members = new Map(typeof whole === 'object' && whole !== null ? Object.entries(whole) : []);
  return (
    members.size === Object.keys(part).length && Object.entries(part).every(([k, v]) => isPartOf(v, members.get(k)))
  );
}

/** A token, taken apart as its maker put it together. */
export interface TokenInput {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** JWT-SVIDs and go-spiffe. */
export const tokenDisagreements: readonly Disagreement<TokenInput>[] = [
  {
    id: 'kid-optional',
    explains: (it) => theyRefuse(it, /token header missing key id/) && it.input.header['kid'] === undefined,
  },
  { id: 'extra-header', explains: (it) => weRefuse(it, /^JWT_HEADER: .*header must hold alg, kid and typ only/) },
  { id: 'leeway', explains: (it) => weRefuse(it, /^(EXPIRED|NOT_YET_VALID): /) },
  {
    id: 'iat-unread',
    explains: (it) => theyRefuse(it, /issued in the future|NumericDate/) && it.input.claims['iat'] !== 0,
  },
  { id: 'aud-count', explains: (it) => weRefuse(it, /^JWT_CLAIM: .*aud must have at most 32 entries/) },
  { id: 'null-member', explains: (it) => weRefuse(it, /^JWT_(CLAIM|HEADER): .*must be .*, got null$/) },
  {
    id: 'date-range',
    explains: (it) => weRefuse(it, /^JWT_CLAIM: .*exp must be seconds since the epoch, got a number/),
  },
];

/** A chain, by what it was made of. */
export interface ChainInput {
  readonly what: string;
  /** The leaf itself is among the anchors. */
  readonly leafIsAnchor: boolean;
}

/** X.509-SVIDs and go-spiffe. */
export const chainDisagreements: readonly Disagreement<ChainInput>[] = [
  { id: 'leaf-path', explains: (it) => weRefuse(it, /^SVID_PATH_EMPTY: /) },
  { id: 'id-length', explains: (it) => weRefuse(it, /^URI_SAN_INVALID: .*at most 2048 bytes/) },
  { id: 'uri-normalised', explains: (it) => weRefuse(it, /^URI_SAN_INVALID: .*must begin with "spiffe:/) },
  { id: 'leaf-key-usage', explains: (it) => weRefuse(it, /^KEY_USAGE: x509-svid: leaf/) },
  { id: 'weak-key', explains: (it) => weRefuse(it, /^WEAK_KEY_OR_SIGNATURE: .*RSA 1024/) },
  {
    id: 'certificate-form',
    explains: (it) => weRefuse(it, /^CERTIFICATE_MALFORMED: |INVALID_BUNDLE: .*: certificate: /),
  },
  { id: 'certificate-size', explains: (it) => weRefuse(it, /^CERTIFICATE_TOO_LARGE: /) },
  {
    id: 'chain-length',
    explains: (it) => weRefuse(it, /^CHAIN_TOO_LONG: |more than 8 certificates|more than 32 signatures/),
  },
  { id: 'leaf-as-anchor', explains: (it) => weRefuse(it, /^UNTRUSTED_CHAIN: /) && it.input.leafIsAnchor },
  {
    id: 'email-constraint',
    explains: (it) => weRefuse(it, /^NAME_CONSTRAINT: .*form of name that is not implemented/),
  },
];

/** Differences from go-spiffe that are differences from OpenSSL too. */
const SHARED: ReadonlySet<string> = new Set([
  'leaf-key-usage',
  'certificate-form',
  'certificate-size',
  'chain-length',
  'leaf-as-anchor',
  'email-constraint',
]);

/** X.509-SVIDs and OpenSSL, which knows no SPIFFE. */
export const opensslDisagreements: readonly Disagreement<ChainInput>[] = [
  { id: 'spiffe-id', explains: (it) => weRefuse(it, /^(URI_SAN_COUNT|URI_SAN_INVALID|SVID_PATH_EMPTY): /) },
  { id: 'leaf-ca', explains: (it) => weRefuse(it, /^SVID_IS_CA: /) },
  ...chainDisagreements.filter(({ id }) => SHARED.has(id)),
  {
    id: 'ca-without-constraints',
    explains: (it) =>
      weRefuse(it, /expected an issuer that is a CA/) && /(no|without) basicConstraints/.test(it.input.what),
  },
  {
    id: 'ca-purpose',
    explains: (it) => theyRefuse(it, /unsuitable certificate purpose/) && /any purpose|only/.test(it.input.what),
  },
];
