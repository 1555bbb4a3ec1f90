/**
 * The signers of links: their X.509-SVIDs, verified as those of TLS peers are, against the bundle of their own trust domain.
 * Verdicts are kept, because the same few signers come again and again: successes only, until the path ends or any bundle
 * changes.
 */
import { createHash, type KeyObject } from 'node:crypto';
import {
  decodeBase64Url,
  type SpiffeId,
  SpiffeTlsError,
  verifyX509Svid,
  type X509Source,
} from '@countersign/spiffe-tls';
import { refusal } from './errors.ts';

/** Whoever holds the key of a verified X.509-SVID. */
export interface Signer {
  readonly id: SpiffeId;
  readonly key: KeyObject;
  /** base64url SHA-256 of the leaf. */
  readonly thumbprint: string;
  /** The latest `notBefore` of its path, in milliseconds since the epoch: clocks are set back, too. */
  readonly notBeforeMs: number;
  /** The earliest `notAfter` of its path. */
  readonly notAfterMs: number;
}

/** An entry whose certificates nobody has verified. */
export interface SignerEntry {
  readonly text: string;
  /** base64url SHA-256 of the leaf. */
  readonly thumbprint: string;
  /** DER, leaf first; absent when the signer is known, so that it is not decoded again. */
  readonly chain?: readonly Uint8Array[];
}

const MAX_REMEMBERED = 1_024;

/** Verifies entries of the certificates' header. */
export class Signers {
  readonly #source: X509Source;
  /** By the entry's text: nothing has to be decoded or hashed to find a signer that is known. */
  readonly #known = new Map<string, Signer>();
  #bundles: unknown;

  constructor(source: X509Source) {
    this.#source = source;
  }

  /** Decodes an entry, unless its signer is known. @throws {CallerChainError} `CHAIN_MALFORMED`. */
  read(text: string): SignerEntry {
    const known = this.#known.get(text);
    if (known !== undefined) return { text, thumbprint: known.thumbprint };
    const chain = text.split('.').map(decodeCertificate);
    const [leaf] = chain;
    if (leaf === undefined) throw new TypeError('caller chain: splitting a text gives at least one part');
    return { text, thumbprint: thumbprintOf(leaf), chain };
  }

  /**
   * The signer of an entry. The source is asked each time: what it shows is what counts, and a set of bundles that is not
   * the one before drops all verdicts in the same step, which a subscription could not promise.
   * @throws {CallerChainError} `CHAIN_SIGNER_UNTRUSTED`.
   * @throws {SpiffeTlsError} of the source, when it has no bundles now.
   */
  verify({ text, chain }: SignerEntry, nowMs: number): Signer {
    const { bundles } = this.#source.current();
    if (bundles !== this.#bundles) this.#known.clear();
    this.#bundles = bundles;
    const known = this.#known.get(text);
    if (known !== undefined && nowMs >= known.notBeforeMs && nowMs < known.notAfterMs) return known;
    this.#known.delete(text);
    const sent = chain ?? text.split('.').map(decodeCertificate);
    const signer = toSigner(() => verifyX509Svid({ chain: sent, bundles, nowMs }));
    this.#remember(text, signer);
    return signer;
  }

  #remember(entry: string, signer: Signer): void {
    this.#known.set(entry, signer);
    if (this.#known.size <= MAX_REMEMBERED) return;
    const oldest = this.#known.keys().next();
    if (oldest.done !== true) this.#known.delete(oldest.value);
  }
}

/** base64url SHA-256 of a certificate (RFC 7515, 4.1.8). */
export function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url');
}

function decodeCertificate(text: string): Buffer {
  const der = decodeBase64Url(text);
  if (der !== undefined && der.length > 0) return der;
  throw refusal('CHAIN_MALFORMED', 'a certificate must be base64url without padding', 'something else');
}

function toSigner(verify: () => ReturnType<typeof verifyX509Svid>): Signer {
  try {
    const { id, path, notAfterMs } = verify();
    const [leaf] = path;
    if (leaf === undefined) throw new TypeError('caller chain: a verified path has a leaf');
    const notBeforeMs = Math.max(...path.map((certificate) => certificate.notBeforeMs));
    return { id, key: leaf.x509.publicKey, thumbprint: thumbprintOf(leaf.der), notBeforeMs, notAfterMs };
  } catch (cause) {
    if (!(cause instanceof SpiffeTlsError)) throw cause;
    const rule = 'the X.509-SVID of each signer must verify';
    throw refusal('CHAIN_SIGNER_UNTRUSTED', rule, `${cause.code}: ${cause.message}`, { cause });
  }
}
