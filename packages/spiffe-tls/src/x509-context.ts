/**
 * From a message of `FetchX509SVID` to one complete, checked state, and what changed between two of them.
 */
import { quote, SpiffeTlsError } from './errors.ts';
import type { X509SVID, X509SVIDResponse } from './gen/workload.ts';
import { SpiffeId } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';
import { verifyX509Svid } from './verify-peer.ts';
import { checkBundleCount, checkSvidBounds } from './workload-api-bounds.ts';
import { X509Bundle, X509BundleSet, type X509BundleSource } from './x509-bundle.ts';
import type { X509Context } from './x509-source.ts';
import { parseX509Svid, type X509Svid } from './x509-svid.ts';

/** Everything that one message says, parsed. */
export interface X509Material {
  /** At least one, in the order received; of several with the same hint only the first. */
  readonly svids: readonly [X509Svid, ...X509Svid[]];
  readonly bundles: X509BundleSet;
  /** As received; not there when there are none. */
  readonly crls?: readonly Uint8Array[];
}

/** Chooses the identity in use; `undefined` when none fits. */
export type SvidPicker = (svids: readonly X509Svid[]) => X509Svid | undefined;

/** How {@link selectSvid} chooses; at most one of the two. */
export interface SelectSvidOptions {
  readonly hint?: string;
  readonly picker?: SvidPicker;
}

/**
 * Parses a message of `FetchX509SVID`. It is taken whole or not at all, because each message is the complete state
 * (Workload API sections 4.3 and 4.5).
 * @param former the bundles of the message before: those whose bytes come again are not read again.
 * @throws {SpiffeTlsError} `WORKLOAD_API` when a mandatory field is empty or a bound exceeded, else the code of the rule that an SVID or a bundle breaks.
 */
export function parseX509Response(response: X509SVIDResponse, former?: X509BundleSource): X509Material {
  checkSvidBounds(response.svids);
  const [first, ...rest] = dropRepeatedHints(response.svids);
  if (first === undefined) throw incomplete('svids');
  const svids: [X509Svid, ...X509Svid[]] = [parseSvid(first), ...rest.map(parseSvid)];
  const crls = response.crl.map((bytes) => Uint8Array.from(bytes));
  const bundles = X509BundleSet.of(...collectBundles(response, svids, former));
  return { svids, bundles, ...(crls.length > 0 && { crls }) };
}

/** Of several SVIDs with one hint the first is used; an empty hint says nothing and never counts as a repetition (section 5.2.1). */
function dropRepeatedHints(messages: readonly X509SVID[]): X509SVID[] {
  const seen = new Set<string>();
  return messages.filter(({ hint }) => {
    if (hint === '') return true;
    const isFirst = !seen.has(hint);
    seen.add(hint);
    return isFirst;
  });
}

function parseSvid(message: X509SVID): X509Svid {
  if (message.spiffeId === '') throw incomplete('spiffe_id');
  if (message.x509Svid.length === 0) throw incomplete('x509_svid');
  if (message.x509SvidKey.length === 0) throw incomplete('x509_svid_key');
  if (message.bundle.length === 0) throw incomplete('bundle');
  return parseX509Svid({
    spiffeId: message.spiffeId,
    chainDer: message.x509Svid,
    keyDer: message.x509SvidKey,
    hint: message.hint,
  });
}

/** ZERO TRUST: bundles stay apart by trust domain, and what an SVID brings for its own wins over a federated entry of that name. */
function collectBundles(
  response: X509SVIDResponse,
  svids: readonly X509Svid[],
  former: X509BundleSource | undefined,
): Iterable<X509Bundle> {
  const bundles = new Map<string, X509Bundle>();
  const add = (trustDomain: TrustDomain, der: Uint8Array) => {
    if (bundles.has(trustDomain.name)) return;
    bundles.set(trustDomain.name, X509Bundle.fromDer(trustDomain, der, former?.get(trustDomain)));
  };
  for (const message of response.svids) {
    const svid = svids.find((candidate) => candidate.id.toString() === message.spiffeId);
    if (svid !== undefined) add(svid.id.trustDomain, message.bundle);
  }
  const federated = Object.entries(response.federatedBundles);
  checkBundleCount(federated.length);
  for (const [key, der] of federated) {
    // An empty federated bundle trusts nothing, which is what having none means.
    if (der.length > 0) add(parseBundleKey(key), der);
  }
  return bundles.values();
}

/**
 * Parses the map of a `FetchX509Bundles` message. It is taken whole or not at all.
 * @param former the bundles of the message before: those whose bytes come again are not read again.
 * @throws {SpiffeTlsError} `WORKLOAD_API` when it is empty, `INVALID_BUNDLE` or `INVALID_SPIFFE_ID` for what is in it.
 */
export function parseBundleMap(
  bundles: Readonly<Record<string, Uint8Array>>,
  former?: X509BundleSource,
): X509BundleSet {
  const entries = Object.entries(bundles);
  if (entries.length === 0) throw incomplete('bundles');
  checkBundleCount(entries.length);
  const read = ([key, der]: [string, Uint8Array]): X509Bundle => {
    const trustDomain = parseBundleKey(key);
    return X509Bundle.fromDer(trustDomain, der, former?.get(trustDomain));
  };
  return X509BundleSet.of(...entries.map(read));
}

function parseBundleKey(key: string): TrustDomain {
  const id = SpiffeId.parse(key);
  if (id.path !== '') {
    throw new SpiffeTlsError(
      'INVALID_BUNDLE',
      `workload api: key of a bundle must be the SPIFFE ID of a trust domain, got ${quote(key)}`,
      {
        got: quote(key),
      },
    );
  }
  return id.trustDomain;
}

function incomplete(field: string): SpiffeTlsError {
  return new SpiffeTlsError('WORKLOAD_API', `workload api: message must have ${field}; discarded`, {
    expected: field,
    got: 'empty',
  });
}

/**
 * Applies to received SVIDs the rules that a peer will apply to them: a path to the bundle that came with them, valid now.
 * @throws {SpiffeTlsError} the code of the rule that is broken.
 */
export function checkOwnSvids(material: X509Material, nowMs: number): void {
  for (const svid of material.svids) {
    verifyX509Svid({ chain: svid.chain.map(({ der }) => der), bundles: material.bundles, nowMs });
  }
}

/**
 * Chooses the identity in use: the picker's choice, the SVID with the hint, else the first (section 8).
 * @throws {SpiffeTlsError} `NO_SVID_FOR_HINT` when none fits. There is no falling back to the first: it is another identity.
 * @throws {TypeError} when the picker returns something that it was not given.
 */
export function selectSvid(svids: readonly [X509Svid, ...X509Svid[]], { hint, picker }: SelectSvidOptions): X509Svid {
  if (hint === undefined && picker === undefined) return svids[0];
  const chosen = picker === undefined ? svids.find((svid) => svid.hint === hint) : picker(svids);
  if (chosen === undefined) throw noSvidFor(hint, svids);
  if (!svids.includes(chosen)) throw new TypeError('x509 source: picker must return one of the SVIDs it was given');
  return chosen;
}

function noSvidFor(hint: string | undefined, svids: readonly X509Svid[]): SpiffeTlsError {
  const got = svids.map((svid) => `${svid.id}${svid.hint === '' ? '' : ` (hint ${quote(svid.hint)})`}`).join(', ');
  const wanted = hint === undefined ? 'the picker chose none' : `none has the hint ${quote(hint)}`;
  return new SpiffeTlsError('NO_SVID_FOR_HINT', `x509 source: ${wanted} of ${quote(got)}`, {
    expected: hint === undefined ? 'an SVID that the picker accepts' : `an SVID with hint ${quote(hint)}`,
    got: quote(got),
  });
}

/** What changed between two states. The order of SVIDs counts only as far as it decides which one is in use. */
export function changedBetween(before: X509Context, after: X509Context): { svid: boolean; bundles: boolean } {
  const sameSvids =
    keyOf(before.svid) === keyOf(after.svid) && sameSet(before.svids.map(keyOf), after.svids.map(keyOf));
  return { svid: !sameSvids, bundles: !before.bundles.equals(after.bundles) };
}

/** Whether both brought the same revocation lists. */
export function sameCrls({ crls: before = [] }: X509Context, { crls: after = [] }: X509Context): boolean {
  return before.length === after.length && before.every((crl, index) => Buffer.compare(crl, after[index] ?? crl) === 0);
}

/** The certificates hold the public key, so the private key needs no comparing. */
function keyOf(svid: X509Svid): string {
  return [svid.hint, ...svid.chain.map(({ fingerprint256 }) => fingerprint256)].join('|');
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  const sorted = [...right].sort();
  return left.length === right.length && [...left].sort().every((value, index) => value === sorted[index]);
}
