/**
 * An HTTP/2 session to a verified server. HTTP/2 begins only when the server has been accepted, so not even its preface
 * goes to another. A session lives no longer than what it was built on: after a rotation of the own SVID, and when the
 * server is no longer verified, it takes no more requests and ends.
 */
import { type ClientHttp2Session, type ClientSessionOptions, connect } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { LiveConnections, type LiveConnectionsOptions } from './live-connections.ts';
import { checkRetireWindow, type Retirement, scheduleRetirements } from './retirement.ts';
import {
  type PresentNothingOptions,
  resolveSpiffeClientOptions,
  type SpiffeTlsOptions,
  type TlsSettings,
} from './spiffe-tls-options.ts';
import { dial } from './tls-dialer.ts';
import { rememberConnection, type VerifiedConnection } from './verified-connection.ts';

/** Where an HTTP/2 session leads, and how it is kept. */
export interface Http2ClientBounds {
  /** Where to connect to: `https://127.0.0.1:8443`. Its host name plays no part in verification. */
  readonly authority: string | URL;
  /**
   * Part of the SVID's remaining life within which a session made with it ends after a rotation, from 0 (at once) to 1.
   * Streams still open at the window's end are cut off. Default 0.1. New work leaves it within 5 s when another authority signed the
   * new SVID, and at once when the bundle verifies the former one no more.
   */
  readonly retireWindow?: number;
  /** HTTP/2 options of Node, such as `settings` and `maxSessionMemory`. How it connects is decided here. */
  readonly session?: Omit<ClientSessionOptions, 'createConnection' | 'protocol'>;
  /** Gives up connecting when aborted. */
  readonly signal?: AbortSignal;
}

/** Options of {@link connectSpiffeHttp2}: mTLS, both sides with an X.509-SVID. */
export interface SpiffeHttp2ClientOptions extends SpiffeTlsOptions, LiveConnectionsOptions, Http2ClientBounds {}

/** The same for a client that presents nothing. */
export type SpiffeHttp2PresentNothingOptions = PresentNothingOptions & LiveConnectionsOptions & Http2ClientBounds;

/**
 * Connects with the source's SVID, requires the server to be who `authorize` accepts, and never resumes a TLS session.
 * Make a new one when the session is `closed`: that is how it follows rotation.
 *
 * @throws {SpiffeTlsError} the refusal of the server, or why there is no identity to present. It rejects also with the
 * system's error where there is no connection, and with the signal's reason.
 * @throws {TypeError} for an authority that is no `https:` URL.
 * @example
 * const session = await connectSpiffeHttp2({ source, authorize: authorizeId(backendId), authority: 'https://127.0.0.1:8443' });
 * const stream = session.request({ ':path': '/hello' });
 */
export async function connectSpiffeHttp2(
  options: SpiffeHttp2ClientOptions | SpiffeHttp2PresentNothingOptions,
): Promise<ClientHttp2Session> {
  const resolved = resolveSpiffeClientOptions(options);
  const window = checkRetireWindow(options.retireWindow);
  const url = new URL(options.authority);
  if (url.protocol !== 'https:') throw new TypeError(`http2: "authority" must be an https: URL, got ${url.protocol}`);
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const follower = new SessionFollower(resolved, options);
    const socket = dial({
      options: resolved,
      transport: 'https',
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? 443 : Number(url.port),
      alpn: 'h2',
      onVerified: (connection) => {
        socket.off('error', reject);
        const session = connect(url, { ...options.session, createConnection: () => socket });
        follower.begin(session, connection);
        resolve(session);
      },
    });
    socket.once('error', reject);
    // In the same tick as `dial` took the SVID, so that no rotation falls between the two.
    follower.watch(socket, window, options.signal);
  });
}

/** Ends a session when its time has come, and lets go of source, signal and timers when its socket has closed. */
class SessionFollower {
  readonly #options: TlsSettings;
  readonly #live: LiveConnections;
  #session: ClientHttp2Session | undefined;
  #retirement: Retirement | undefined;
  #close: () => void = () => {};
  #cancelCutOff: () => void = () => {};

  constructor(options: TlsSettings, timing: LiveConnectionsOptions) {
    this.#options = options;
    this.#live = new LiveConnections(options, timing);
  }

  watch(socket: TLSSocket, window: number, signal: AbortSignal | undefined): void {
    const onAbort = () => void (this.#session === undefined && socket.destroy(asError(signal?.reason)));
    signal?.addEventListener('abort', onAbort, { once: true });
    const stop = scheduleRetirements({ options: this.#options, window, onRetire: (facts) => this.#retire(facts) });
    socket.once('close', () => {
      signal?.removeEventListener('abort', onAbort);
      stop();
      this.#cancelCutOff();
      this.#live.close();
    });
  }

  begin(session: ClientHttp2Session, connection: VerifiedConnection): void {
    this.#session = session;
    rememberConnection(session, connection);
    this.#close = closeBehindRequests(session);
    const close = this.#close;
    this.#live.add(connection, { stopUsing: close, closeGracefully: close });
    if (this.#retirement !== undefined) this.#retire(this.#retirement);
  }

  /** A session that is still being made is retired as soon as it is there. */
  #retire(retirement: Retirement): void {
    this.#retirement = retirement;
    const session = this.#session;
    if (session === undefined) return;
    this.#close();
    this.#cancelCutOff = this.#options.clock.schedule(retirement.endInMs, () => session.destroy());
  }
}

/**
 * How to close a session so that it takes no more requests and ends when its streams have ended. A request made in the same
 * turn of the event loop has not left yet, and GOAWAY would overtake it: the server would refuse it. So closing waits for it.
 */
function closeBehindRequests(session: ClientHttp2Session): () => void {
  const request = session.request.bind(session);
  let unsent = 0;
  session.request = (...args) => {
    unsent += 1;
    // Node sends at the beginning of the loop's check phase, before callbacks of setImmediate run.
    setImmediate(() => {
      unsent -= 1;
    });
    return request(...args);
  };
  return function close() {
    if (unsent > 0) setImmediate(close);
    else session.close();
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('http2: connecting was aborted');
}
