/**
 * The link that a caller adds: who it is, whom it calls and for what, signed with the key of its X.509-SVID, after the links
 * of the call that it serves.
 */
import { createHash, randomBytes } from 'node:crypto';
import { quote, type SpiffeId, SpiffeTlsError, type X509Source, type X509Svid } from '@countersign/spiffe-tls';
import { type ChainBounds, type EncodedChain, resolveBounds } from './encoded-chain.ts';
import { type CallerChainError, refusal } from './errors.ts';
import { digestOf, isAct, isDigest, isRandomId, LINK_TYPE } from './link.ts';
import { algorithmOf, type LinkAlgorithm, signLink } from './link-signature.ts';
import { thumbprintOf } from './signers.ts';
import type { VerifiedChain } from './verified-chain.ts';

/** A call that is about to be made. */
export interface OutgoingCall {
  /** SPIFFE ID of the service called: the one that the connection demands. */
  readonly audience: SpiffeId;
  /** What is called: method and path as sent (`POST /orders`), or the full gRPC method. */
  readonly act: string;
  /** The chain of the call being served; absent: this call begins one. */
  readonly after?: VerifiedChain;
  /** The transaction that a first link is of. Default: a new one. Not beside `after`, whose transaction goes on. */
  readonly txn?: string;
  /** base64url SHA-256 of the body, by `bodyDigestOf`: for operations whose body must not be changed on the way. */
  readonly bodyDigest?: string;
}

/** Signs the links of one process. */
export interface ChainSigner {
  /**
   * Signs a link, for one attempt: a verifier accepts it once.
   * @throws {CallerChainError} `CHAIN_NOT_SIGNED` when there is no identity, its key signs no links, or the chain was not
   * for this process; `CHAIN_TOO_LARGE` when no receiver would take it; `CHAIN_EXPIRED` when the call being served is too old
   * to be continued; `CHAIN_MALFORMED` for an `act` or `txn` that no link may have.
   */
  sign(call: OutgoingCall): Promise<EncodedChain>;
}

/** How a signer signs. */
export interface ChainSignerOptions extends ChainBounds {
  /** Whose SVID signs: the one of the moment, so that a rotation reaches the next link. */
  readonly source: X509Source;
  /** Life of a link, in milliseconds. Default 30 000; from 1 000 to 60 000. */
  readonly lifeMs?: number;
  /** The clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** What of a link depends on the SVID alone: made once a rotation. */
interface SignerFacts {
  readonly alg: LinkAlgorithm;
  /** Protected header, encoded. */
  readonly header: string;
  /** Entry of the certificates' header. */
  readonly entry: string;
}

/** 128 random bits in base64url, for a transaction that begins here. */
export function createTransactionId(): string {
  return randomBytes(16).toString('base64url');
}

/** base64url SHA-256 of a body, as `bodyDigest` carries it: of the bytes before any content coding, or of one gRPC message. */
export function bodyDigestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}

/**
 * Creates a signer.
 * @throws {TypeError} when an option is out of range.
 * @example
 * const signer = createChainSigner({ source });
 * const { chain, certs } = await signer.sign({ audience: backendId, act: 'POST /orders' });
 */
export function createChainSigner(options: ChainSignerOptions): ChainSigner {
  const { source, lifeMs = 30_000, now = Date.now } = options;
  if (!(Number.isInteger(lifeMs) && lifeMs >= 1_000 && lifeMs <= 60_000))
    throw new TypeError(`caller chain: lifeMs must be from 1000 to 60000, got ${lifeMs}`);
  const bounds = resolveBounds(options);
  const facts = new WeakMap<X509Svid, SignerFacts>();
  return {
    async sign(call) {
      const svid = currentSvid(source);
      const known = facts.get(svid) ?? factsOf(svid);
      facts.set(svid, known);
      const nowMs = now();
      checkCall(call, svid, nowMs);
      const payload = payloadOf(call, svid, Math.floor(nowMs / 1_000), Math.floor(lifeMs / 1_000));
      const signed = `${known.header}.${encode(payload)}`;
      const signature = await signLink(known.alg, svid.privateKey, signed);
      return checkSize(
        append(call.after?.encoded, `${signed}.${signature.toString('base64url')}`, known.entry),
        bounds,
      );
    },
  };
}

function currentSvid(source: X509Source): X509Svid {
  try {
    return source.current().svid;
  } catch (cause) {
    const why = cause instanceof SpiffeTlsError ? cause.code : 'an error';
    throw refusal('CHAIN_NOT_SIGNED', 'there must be an identity to sign with', why, { cause });
  }
}

function factsOf({ privateKey, chain, leaf }: X509Svid): SignerFacts {
  const alg = algorithmOf(privateKey);
  if (alg === undefined) {
    const rule = 'the key of the X.509-SVID must be P-256, P-384, RSA or Ed25519';
    throw refusal(
      'CHAIN_NOT_SIGNED',
      rule,
      privateKey.asymmetricKeyDetails?.namedCurve ?? `${privateKey.asymmetricKeyType}`,
    );
  }
  const header = encode({ alg, typ: LINK_TYPE, 'x5t#S256': thumbprintOf(leaf.der) });
  return { alg, header, entry: chain.map(({ der }) => Buffer.from(der).toString('base64url')).join('.') };
}

/** Fails before anything is sent where every receiver would refuse. */
function checkCall({ act, after, txn, bodyDigest }: OutgoingCall, { id }: X509Svid, nowMs: number): void {
  if (!isAct(act))
    throw refusal('CHAIN_MALFORMED', 'act must be a method and a path, or a full gRPC method', quote(act));
  if (txn !== undefined && (after !== undefined || !isRandomId(txn)))
    throw refusal('CHAIN_MALFORMED', 'txn must be 128 bits in base64url, for a first link', quote(txn));
  if (bodyDigest !== undefined && !isDigest(bodyDigest))
    throw refusal('CHAIN_MALFORMED', 'bodyDigest must be a SHA-256 in base64url', quote(bodyDigest));
  const last = after?.links.at(-1);
  if (last === undefined) return;
  if (!last.aud.equals(id))
    throw refusal(
      'CHAIN_NOT_SIGNED',
      `a chain is continued by whom it is for, ${quote(`${last.aud}`)}`,
      quote(`${id}`),
    );
  const over = after?.links.findIndex(({ expiresAt }) => nowMs >= expiresAt.getTime()) ?? -1;
  if (over !== -1)
    throw refusal('CHAIN_EXPIRED', 'the call being served must be young enough to be continued', 'an expired link', {
      link: over,
    });
}

function payloadOf(call: OutgoingCall, { id }: X509Svid, nowSeconds: number, life: number) {
  const { audience, act, after, txn, bodyDigest } = call;
  const before = after?.encoded.chain.split(',').at(-1);
  return {
    iss: id.toString(),
    aud: audience.toString(),
    act,
    txn: after?.txn ?? txn ?? createTransactionId(),
    iat: nowSeconds,
    exp: nowSeconds + life,
    jti: randomBytes(16).toString('base64url'),
    ...(before === undefined ? {} : { prev: digestOf(before) }),
    ...(bodyDigest === undefined ? {} : { bodyDigest }),
  };
}

/** A signer that is in the chain already, whatever intermediates it had, has its certificates there: each leaf may come once. */
function append(before: EncodedChain | undefined, link: string, entry: string): EncodedChain {
  if (before === undefined) return { chain: link, certs: entry };
  const leaf = entry.split('.', 1)[0];
  const known = before.certs.split(',').some((other) => other.split('.', 1)[0] === leaf);
  return { chain: `${before.chain},${link}`, certs: known ? before.certs : `${before.certs},${entry}` };
}

function checkSize(encoded: EncodedChain, { maxLinks, maxBytes }: Required<ChainBounds>): EncodedChain {
  const links = encoded.chain.split(',').length;
  const bytes = encoded.chain.length + encoded.certs.length;
  if (links > Number(maxLinks)) throw tooLarge(`may have at most ${maxLinks} links`, `${links}`);
  if (bytes > Number(maxBytes)) throw tooLarge(`both headers may have at most ${maxBytes} bytes together`, `${bytes}`);
  return encoded;
}

function tooLarge(rule: string, got: string): CallerChainError {
  return refusal('CHAIN_TOO_LARGE', rule, got);
}

function encode(document: object): string {
  return Buffer.from(JSON.stringify(document)).toString('base64url');
}
