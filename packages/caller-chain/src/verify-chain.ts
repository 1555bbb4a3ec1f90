/**
 * ZERO TRUST: the verdict on a caller chain, synchronous and all or nothing. What a chain proves when it is accepted: each
 * hop was called by the one before, for that operation, in that transaction, just now.
 */
import type { SpiffeId, X509Source } from '@countersign/spiffe-tls';
import { quote } from '@countersign/spiffe-tls';
import { type ChainBounds, type EncodedChain, resolveBounds, splitChain } from './encoded-chain.ts';
import { refusal } from './errors.ts';
import { digestOf, type ParsedLink, parseLink } from './link.ts';
import { verifyLink } from './link-signature.ts';
import { ReplayStore } from './replay-store.ts';
import { type Signer, type SignerEntry, Signers } from './signers.ts';
import type { VerifiedChain, VerifiedLink } from './verified-chain.ts';

/** What a chain must fit: the request that carried it. */
export interface ChainExpectation {
  /** SPIFFE ID of the TLS peer: its ID, not its certificate, because it may have rotated since the connection was made. */
  readonly peerId: SpiffeId;
  /** SPIFFE ID of this service. */
  readonly ownId: SpiffeId;
  /** What is called: method and real path (`POST /orders`), or the full gRPC method (`/package.Service/Method`). */
  readonly act: string;
  /** base64url SHA-256 of the request's body. When given, the last link must carry the same. */
  readonly bodyDigest?: string;
}

/** Verifies the chains that one service is sent. */
export interface ChainVerifier {
  /**
   * Verifies a chain and remembers its last link, so that it is accepted once.
   * @throws {CallerChainError} with any code but `CHAIN_NOT_SIGNED`.
   * @throws {SpiffeTlsError} `SOURCE_NOT_READY`, `IDENTITY_WITHDRAWN` or `SOURCE_CLOSED`: there is nothing to verify signers by.
   */
  verify(encoded: EncodedChain, call: ChainExpectation): VerifiedChain;
}

/** How a verifier judges. */
export interface ChainVerifierOptions extends ChainBounds {
  /** Bundles that signers are verified by, those of federated trust domains included. */
  readonly source: X509Source;
  /** How far another clock may be off, in milliseconds. Default 5 000; from 0 to 30 000. */
  readonly leewayMs?: number;
  /** The longest life of a link, in milliseconds. Default 60 000; from 1 000 to 60 000. */
  readonly maxLifeMs?: number;
  /**
   * Links remembered at once, from 1 to 10 000 000. Default 100 000: of 30 s each, that is 2 700 calls a second; more are
   * refused. One takes 170 bytes and its signer's ID: 21 MB in all for IDs of 40 characters, 29 MB for 120.
   */
  readonly maxReplayEntries?: number;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** Default, least and most of each number in {@link ChainVerifierOptions} but the size's; docs/reference/bounds.md lists them. */
export const VERIFIER_LIMITS = {
  maxLifeMs: { usual: 60_000, least: 1_000, most: 60_000 },
  leewayMs: { usual: 5_000, least: 0, most: 30_000 },
  maxReplayEntries: { usual: 100_000, least: 1, most: 10_000_000 },
} as const;

/**
 * Creates a verifier. One for a process: what it remembers is what keeps links from being replayed.
 * @throws {TypeError} when an option is out of range.
 * @example
 * const verifier = createChainVerifier({ source });
 * const encoded = chainIn((name) => request.headersDistinct[name] ?? []);
 * const chain = encoded && verifier.verify(encoded, { peerId, ownId, act: 'POST /orders' });
 */
export function createChainVerifier(options: ChainVerifierOptions): ChainVerifier {
  return new Verifier(options);
}

class Verifier implements ChainVerifier {
  readonly #bounds: Required<ChainBounds>;
  readonly #leewayMs: number;
  readonly #maxLifeMs: number;
  readonly #now: () => number;
  readonly #signers: Signers;
  readonly #replays: ReplayStore;

  constructor(options: ChainVerifierOptions) {
    const { source, now = Date.now } = options;
    this.#bounds = resolveBounds(options);
    this.#leewayMs = optionOf('leewayMs', options);
    this.#maxLifeMs = optionOf('maxLifeMs', options);
    this.#replays = new ReplayStore(optionOf('maxReplayEntries', options));
    this.#signers = new Signers(source);
    this.#now = now;
  }

  /** Everything that costs nothing first, then the signers and the signatures; the replay store hears only of what holds. */
  verify(encoded: EncodedChain, call: ChainExpectation): VerifiedChain {
    const nowMs = this.#now();
    // Comparisons with NaN are false, so a broken clock would find nothing expired.
    if (!Number.isFinite(nowMs)) throw new TypeError(`caller chain: the clock must give a finite number, got ${nowMs}`);
    const { links: texts, entries } = splitChain(encoded, this.#bounds);
    const links = texts.map(parseLink);
    const last = links.at(-1);
    if (last === undefined) throw refusal('CHAIN_MALFORMED', 'must have a link', 'none');
    checkOrder(links);
    checkRequest(last, links.length - 1, call);
    for (const [index, link] of links.entries()) this.#checkTime(link, index, nowMs);
    this.#checkSignatures(links, entries, nowMs);
    this.#remember(last, links.length - 1, nowMs);
    return toVerified(links, encoded);
  }

  #checkTime({ iat, exp }: ParsedLink, link: number, nowMs: number): void {
    const [issuedMs, expiresMs] = [iat * 1_000, exp * 1_000];
    const now = new Date(nowMs).toISOString();
    if (expiresMs <= issuedMs || expiresMs - issuedMs > this.#maxLifeMs) {
      const rule = `exp must be at most ${this.#maxLifeMs / 1_000} s after iat`;
      throw refusal('CHAIN_EXPIRED', rule, `${exp - iat} s`, { link });
    }
    if (nowMs >= expiresMs + this.#leewayMs)
      throw refusal('CHAIN_EXPIRED', `exp must be after ${now}`, new Date(expiresMs).toISOString(), { link });
    if (nowMs < issuedMs - this.#leewayMs)
      throw refusal('CHAIN_EXPIRED', `iat must not be after ${now}`, new Date(issuedMs).toISOString(), { link });
  }

  #checkSignatures(links: readonly ParsedLink[], entries: readonly string[], nowMs: number): void {
    const sent = matchEntries(
      links,
      entries.map((text) => this.#signers.read(text)),
    );
    const signers = new Map<string, Signer>();
    for (const [thumbprint, entry] of sent) signers.set(thumbprint, this.#signers.verify(entry, nowMs));
    for (const [index, link] of links.entries()) checkSigner(link, index, signers.get(link.thumbprint));
  }

  #remember({ iss, jti, exp }: ParsedLink, link: number, nowMs: number): void {
    const outcome = this.#replays.add(`${iss} ${jti}`, exp * 1_000 + this.#leewayMs, nowMs);
    if (outcome === 'new') return;
    if (outcome === 'seen')
      throw refusal('CHAIN_REPLAYED', 'the last link must not have been seen before', `jti ${quote(jti)} again`, {
        link,
      });
    if (outcome === 'over')
      throw refusal('CHAIN_EXPIRED', 'the clock must not have been set back past exp', 'a link that may be known', {
        link,
      });
    throw refusal('CHAIN_STORE_FULL', 'there must be room to remember the last link', 'none: try again later', {
      link,
    });
  }
}

/** One entry for each signer and none beside, before any work is done for them. */
function matchEntries(links: readonly ParsedLink[], entries: readonly SignerEntry[]): ReadonlyMap<string, SignerEntry> {
  const wanted = new Set(links.map(({ thumbprint }) => thumbprint));
  const found = new Map<string, SignerEntry>();
  for (const entry of entries) {
    if (found.has(entry.thumbprint))
      throw refusal('CHAIN_MALFORMED', 'each certificate must be there once', 'one of them twice');
    if (!wanted.has(entry.thumbprint))
      throw refusal('CHAIN_MALFORMED', 'each certificate must be of a signer', 'one of nobody');
    found.set(entry.thumbprint, entry);
  }
  const lacking = links.findIndex(({ thumbprint }) => !found.has(thumbprint));
  if (lacking !== -1)
    throw refusal('CHAIN_MALFORMED', 'the certificate of each signer must be there', 'none', { link: lacking });
  return found;
}

/** Each link follows the one before: whom that one called is who calls now, in the same transaction. */
function checkOrder(links: readonly ParsedLink[]): void {
  for (const [index, link] of links.entries()) {
    const before = links[index - 1];
    if (before === undefined) {
      if (link.prev !== undefined)
        throw refusal('CHAIN_BROKEN', 'the first link must have no prev', 'one', { link: index });
      continue;
    }
    const broken = breakBetween(before, link);
    if (broken !== undefined) throw refusal('CHAIN_BROKEN', broken.rule, broken.got, { link: index });
  }
}

function breakBetween(before: ParsedLink, link: ParsedLink): { rule: string; got: string } | undefined {
  if (!link.iss.equals(before.aud))
    return { rule: `iss must be aud of the link before, ${quote(`${before.aud}`)}`, got: quote(`${link.iss}`) };
  if (link.prev !== digestOf(before.compact))
    return { rule: 'prev must be the digest of the link before', got: link.prev === undefined ? 'none' : 'another' };
  if (link.txn !== before.txn) return { rule: 'txn must be the same in all links', got: 'another' };
  return undefined;
}

/** The last link is about this very request: from this peer, to this service, for this operation. */
function checkRequest(last: ParsedLink, link: number, call: ChainExpectation): void {
  const { peerId, ownId, act, bodyDigest } = call;
  if (!last.iss.equals(peerId)) {
    const rule = `the last iss must be the peer, ${quote(`${peerId}`)}`;
    throw refusal('CHAIN_PEER_MISMATCH', rule, quote(`${last.iss}`), { link });
  }
  if (!last.aud.equals(ownId)) {
    const rule = `the last aud must be this service, ${quote(`${ownId}`)}`;
    throw refusal('CHAIN_AUDIENCE_MISMATCH', rule, quote(`${last.aud}`), { link });
  }
  if (last.act !== act)
    throw refusal('CHAIN_ACT_MISMATCH', `the last act must be what is called, ${quote(act)}`, quote(last.act), {
      link,
    });
  if (bodyDigest !== undefined && last.bodyDigest !== bodyDigest)
    throw refusal(
      'CHAIN_ACT_MISMATCH',
      'the last bodyDigest must be of the body',
      last.bodyDigest ? 'another' : 'none',
      {
        link,
      },
    );
}

function checkSigner(parsed: ParsedLink, link: number, signer: Signer | undefined): void {
  if (signer === undefined) throw new TypeError('caller chain: each link has a signer here');
  if (!signer.id.equals(parsed.iss)) {
    const rule = `the signer must be iss, ${quote(`${parsed.iss}`)}`;
    throw refusal('CHAIN_SIGNER_UNTRUSTED', rule, quote(`${signer.id}`), { link });
  }
  const { alg, signed, signature } = parsed;
  if (!verifyLink({ alg, key: signer.key, signed, signature }))
    throw refusal(
      'CHAIN_SIGNATURE_INVALID',
      `the signature must be by the key of ${quote(`${signer.id}`)}`,
      'another',
      {
        link,
      },
    );
}

function toVerified(links: readonly ParsedLink[], { chain, certs }: EncodedChain): VerifiedChain {
  const [origin] = links;
  if (origin === undefined) throw new TypeError('caller chain: a verified chain has links');
  const verified = links.map(toVerifiedLink);
  const encoded = Object.freeze({ chain, certs });
  return Object.freeze({ links: Object.freeze(verified), txn: origin.txn, origin: origin.iss, encoded });
}

function toVerifiedLink({ iss, aud, act, txn, jti, iat, exp, bodyDigest }: ParsedLink): VerifiedLink {
  const [issuedAt, expiresAt] = [new Date(iat * 1_000), new Date(exp * 1_000)];
  const body = bodyDigest === undefined ? {} : { bodyDigest };
  return Object.freeze({ iss, aud, act, txn, jti, issuedAt, expiresAt, ...body });
}

function optionOf(name: keyof typeof VERIFIER_LIMITS, options: ChainVerifierOptions): number {
  const { usual, least, most } = VERIFIER_LIMITS[name];
  const { [name]: value = usual } = options;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new TypeError(`caller chain: ${name} must be a whole number from ${least} to ${most}, got ${value}`);
}
