/**
 * A workload's own X.509-SVID: the certificate chain it presents and the private key that goes with it. The key is kept where
 * logging, `util.inspect`, `JSON.stringify` and copying the object don't reach it.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { inspect } from 'node:util';
import {
  MAX_CHAIN_BYTES,
  type ParsedCertificate,
  parseCertificate,
  splitCertificates,
  tooLarge,
} from './certificate.ts';
import { DerTag, readDerElement } from './der.ts';
import { quote, refusal } from './errors.ts';
import { toPem } from './pem.ts';
import type { SpiffeId } from './spiffe-id.ts';
import { checkLeafRules, spiffeIdOf } from './x509-svid-rules.ts';

/** The identity a workload presents. */
export interface X509Svid {
  /** The SPIFFE ID in the leaf's one URI SAN. */
  readonly id: SpiffeId;
  /** Leaf first, then the intermediates to present with it. */
  readonly chain: readonly ParsedCertificate[];
  /** The certificate that is presented as one's own. */
  readonly leaf: ParsedCertificate;
  /** What the Workload API calls this SVID where there are several; empty if it has no hint. */
  readonly hint: string;
  /** The chain in PEM, leaf first, as `tls.createSecureContext({ cert })` takes it. */
  readonly certificatePem: string;
  /** Not enumerable. */
  readonly privateKey: KeyObject;
  /** PKCS#8 PEM, as `tls.createSecureContext({ key })` takes it. A method, so that nothing prints it by accident. */
  privateKeyPem(): string;
  /** The public facts alone. */
  toJSON(): object;
}

/** What an X.509-SVID is made of, as the Workload API's `X509SVID` message carries it. */
export interface X509SvidInput {
  /** The ID the certificate must have. Default: whatever valid SPIFFE ID it has. */
  readonly spiffeId?: string;
  /** Concatenated DER, leaf first, without padding. */
  readonly chainDer: Uint8Array;
  /** Unencrypted PKCS#8 DER. */
  readonly keyDer: Uint8Array;
  /** Default: empty. */
  readonly hint?: string;
}

const AREA = 'x509-svid';

/** The longest chain that is presented or looked at. */
export const MAX_CHAIN_LENGTH = 10;

/**
 * Parses an own SVID and holds it to the rules a peer would: one SPIFFE ID with a path, no CA, right key usages, strong
 * algorithms, and a key that fits. Whether it has expired or chains to its bundle is for {@link verifyX509Svid} to say.
 * @throws {SpiffeTlsError} `CERTIFICATE_MALFORMED`, `CERTIFICATE_TOO_LARGE`, `CHAIN_TOO_LONG`, `URI_SAN_COUNT`, `URI_SAN_INVALID`,
 * `SVID_PATH_EMPTY`, `SVID_ID_MISMATCH`, `SVID_IS_CA`, `KEY_USAGE`, `EXTENDED_KEY_USAGE`, `CRITICAL_EXTENSION_UNKNOWN`,
 * `WEAK_KEY_OR_SIGNATURE`, `PRIVATE_KEY_INVALID`, `KEY_MISMATCH`
 * @example
 * const svid = parseX509Svid({ chainDer, keyDer });
 * svid.id.path; // '/backend'
 */
export function parseX509Svid(input: X509SvidInput): X509Svid {
  const chain = parseChain(input.chainDer);
  const [leaf] = chain;
  if (leaf === undefined) {
    throw refusal('CERTIFICATE_MALFORMED', AREA, 'the chain must hold at least one certificate', 'none');
  }
  const id = spiffeIdOf(leaf);
  const { spiffeId = id.toString(), hint = '' } = input;
  if (spiffeId !== id.toString()) {
    throw refusal('SVID_ID_MISMATCH', AREA, `the leaf must have the ID ${quote(spiffeId)}`, quote(`${id}`));
  }
  // Its holder presents an SVID in both roles, and X509-SVID 4.4 asks the issuer for both purposes.
  checkLeafRules(leaf, ['client', 'server']);
  const privateKey = parsePrivateKey(input.keyDer);
  if (!leaf.x509.checkPrivateKey(privateKey)) {
    throw refusal('KEY_MISMATCH', AREA, "the private key must belong to the leaf's public key", 'the key of another');
  }
  return new OwnSvid(id, chain, leaf, hint, privateKey);
}

/** Accessors live on the prototype and the key in a private field: own enumerable properties are what may be seen. */
class OwnSvid implements X509Svid {
  readonly id: SpiffeId;
  readonly chain: readonly ParsedCertificate[];
  readonly leaf: ParsedCertificate;
  readonly hint: string;
  readonly certificatePem: string;
  readonly #privateKey: KeyObject;

  constructor(
    id: SpiffeId,
    chain: readonly ParsedCertificate[],
    leaf: ParsedCertificate,
    hint: string,
    key: KeyObject,
  ) {
    this.id = id;
    this.chain = Object.freeze([...chain]);
    this.leaf = leaf;
    this.hint = hint;
    this.certificatePem = chain.map(({ der }) => toPem('CERTIFICATE', der)).join('');
    this.#privateKey = key;
    Object.freeze(this);
  }

  get privateKey(): KeyObject {
    return this.#privateKey;
  }

  privateKeyPem(): string {
    return this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  toJSON(): object {
    const { serialNumber, notBeforeMs, notAfterMs } = this.leaf;
    const isoTime = (ms: number): string => new Date(ms).toISOString();
    return {
      id: this.id,
      hint: this.hint,
      serialNumber,
      notBefore: isoTime(notBeforeMs),
      notAfter: isoTime(notAfterMs),
    };
  }

  [inspect.custom](): string {
    return `X509Svid ${JSON.stringify(this)}`;
  }
}

function parseChain(chainDer: Uint8Array): readonly ParsedCertificate[] {
  if (chainDer.length > MAX_CHAIN_BYTES) throw tooLarge(chainDer.length);
  const ders = splitCertificates(chainDer);
  if (ders.length > MAX_CHAIN_LENGTH) {
    throw refusal(
      'CHAIN_TOO_LONG',
      AREA,
      `the chain must hold at most ${MAX_CHAIN_LENGTH} certificates`,
      `${ders.length}`,
    );
  }
  return ders.map(parseCertificate);
}

function parsePrivateKey(keyDer: Uint8Array): KeyObject {
  try {
    readDerElement(keyDer, DerTag.sequence, 'private key');
    return createPrivateKey({ key: Buffer.from(keyDer), format: 'der', type: 'pkcs8' });
  } catch {
    // The cause is dropped: nothing a parser says about key bytes belongs in a log.
    throw refusal('PRIVATE_KEY_INVALID', AREA, 'the private key must be unencrypted PKCS#8 DER', 'something else');
  }
}
