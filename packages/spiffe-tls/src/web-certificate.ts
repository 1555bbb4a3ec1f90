/**
 * A certificate of the web's authorities, for a server whose clients know it by its host name while it knows them by their
 * SPIFFE IDs. It can be replaced while the server listens, as renewals need.
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { SpiffeTlsError } from './errors.ts';
import type { Presentable } from './tls-options.ts';

/** What {@link createWebCertificate} and its `update` take. */
export interface WebCertificateInput {
  /** The chain in PEM, leaf first, intermediates after it. */
  readonly certificatePem: string;
  /** The leaf's private key in PEM. */
  readonly privateKeyPem: string;
}

/** A web certificate in use, and how to replace it. */
export interface WebCertificate {
  /** The serial number of the leaf, in upper-case hexadecimal. */
  readonly serialNumber: string;
  /** When the leaf expires, in ISO 8601. */
  readonly notAfter: string;
  /**
   * Replaces it: servers present the new one from the next handshake on, and open connections stay.
   * @throws {SpiffeTlsError} as {@link createWebCertificate}; the former one stays in use then.
   */
  update(next: WebCertificateInput): void;
}

interface State extends Presentable {
  readonly serialNumber: string;
  readonly notAfter: string;
}

/** What servers ask of a web certificate. Kept out of the object, so that no log shows the key. */
interface Holder {
  state: State;
  readonly listeners: Set<() => void>;
}

const holders = new WeakMap<WebCertificate, Holder>();

/**
 * Holds a web certificate for the `webCertificate` option of a server.
 * @throws {SpiffeTlsError} `CERTIFICATE_MALFORMED`, `PRIVATE_KEY_INVALID`, or `KEY_MISMATCH` when the two do not belong together.
 * @example
 * const webCertificate = createWebCertificate({ certificatePem, privateKeyPem });
 * const server = createSpiffeHttpsServer({ webCertificate, bundles: source, authorize: authorizeId(customerId) }, app);
 */
export function createWebCertificate(input: WebCertificateInput): WebCertificate {
  const holder: Holder = { state: read(input), listeners: new Set() };
  const certificate: WebCertificate = {
    get serialNumber() {
      return holder.state.serialNumber;
    },
    get notAfter() {
      return holder.state.notAfter;
    },
    update(next) {
      holder.state = read(next);
      for (const listener of [...holder.listeners]) listener();
    },
  };
  holders.set(certificate, holder);
  return certificate;
}

/** What is presented now. */
export function presentedBy(certificate: WebCertificate): Presentable {
  return holderOf(certificate).state;
}

/** Calls back after each replacement. Returns how to stop. */
export function followWebCertificate(certificate: WebCertificate, listener: () => void): () => void {
  const { listeners } = holderOf(certificate);
  const own = () => listener();
  listeners.add(own);
  return () => void listeners.delete(own);
}

function holderOf(certificate: WebCertificate): Holder {
  const holder = holders.get(certificate);
  if (holder === undefined) throw new TypeError('spiffe-tls: "webCertificate" must come from createWebCertificate');
  return holder;
}

function read({ certificatePem, privateKeyPem }: WebCertificateInput): State {
  const leaf = attempt('CERTIFICATE_MALFORMED', 'must be a chain in PEM', () => new X509Certificate(certificatePem));
  attempt('CERTIFICATE_MALFORMED', 'must be a chain in PEM', () => createSecureContext({ cert: certificatePem }));
  // OpenSSL's text may quote the input, and that is a key: no cause.
  attempt(
    'PRIVATE_KEY_INVALID',
    'must have a private key in PEM',
    () => createSecureContext({ key: privateKeyPem }),
    false,
  );
  attempt('KEY_MISMATCH', 'must have the private key of its leaf', () =>
    createSecureContext({ cert: certificatePem, key: privateKeyPem }),
  );
  const notAfter = new Date(leaf.validTo).toISOString();
  return { certificatePem, privateKeyPem: () => privateKeyPem, serialNumber: leaf.serialNumber, notAfter };
}

type Code = 'CERTIFICATE_MALFORMED' | 'PRIVATE_KEY_INVALID' | 'KEY_MISMATCH';

function attempt<T>(code: Code, rule: string, run: () => T, keepCause = true): T {
  try {
    return run();
  } catch (cause) {
    const details = { expected: rule, got: 'something else', ...(keepCause && { cause }) };
    throw new SpiffeTlsError(code, `web certificate: ${rule}, got something else`, details);
  }
}
