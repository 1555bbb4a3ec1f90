/**
 * The open connections of one adapter, judged again whenever bundles change and when a peer's SVID ends. Unless a policy
 * says otherwise, a connection whose peer is no longer verified has no peer from that moment on; only its closing takes a
 * while, with jitter.
 */
import { quote, SpiffeTlsError } from './errors.ts';
import { reportRefused } from './judge-peer.ts';
import { endpointsOf, toSpiffeTlsError } from './refusal.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import type { TlsContext } from './tls-identity.ts';
import type { VerifiedConnection } from './verified-connection.ts';
import { verifyPeer } from './verify-peer.ts';

/** How a protocol ends a connection. */
export interface ConnectionCloser {
  /** The peer has just become invalid: take no new work over this connection. */
  readonly stopUsing?: () => void;
  /** Close once the work in progress is done. */
  readonly closeGracefully: () => void;
}

/**
 * What becomes of a live connection when its peer would not be accepted any more. With `drain` it has no peer from that
 * moment on, and closes gracefully, with jitter. With `destroy` it is cut off there and then. With `ignore` it stays, peer
 * and all, as long as it lasts; the next connection is judged anew.
 */
export type LivePeerPolicy = 'ignore' | 'drain' | 'destroy';

/** What becomes of connections whose peer is no longer valid, and how long their closing may take. */
export interface LiveConnectionsOptions {
  /** When the peer's CA or trust domain left the bundles, or `authorize` no longer accepts it. Default `drain`. */
  readonly onPeerInvalid?: LivePeerPolicy;
  /**
   * When the peer's SVID has expired. Default `drain`. The SPIFFE standard leaves it open; `ignore` is what most other
   * libraries do, and suits peers that renew in place but can't reconnect.
   */
  readonly onPeerExpiry?: LivePeerPolicy;
  /** Graceful closing begins at a random moment within this time. Default 5 s. */
  readonly closeWithinMs?: number;
  /** Work in progress is cut off this long after that. Default 10 s. */
  readonly closeGraceMs?: number;
}

const CLOSE_WITHIN_MS = 5_000;
const CLOSE_GRACE_MS = 10_000;

/** The table of an adapter's live connections. */
export class LiveConnections {
  readonly #options: TlsSettings;
  readonly #policy: Required<LiveConnectionsOptions>;
  readonly #valid = new Map<VerifiedConnection, ConnectionCloser>();
  readonly #closing = new Map<VerifiedConnection, () => void>();
  #unsubscribe: (() => void) | undefined;
  #earliestMs = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(options: TlsSettings, policy: LiveConnectionsOptions = {}) {
    this.#options = options;
    this.#policy = {
      onPeerInvalid: checkPolicy('onPeerInvalid', policy.onPeerInvalid),
      onPeerExpiry: checkPolicy('onPeerExpiry', policy.onPeerExpiry),
      closeWithinMs: policy.closeWithinMs ?? CLOSE_WITHIN_MS,
      closeGraceMs: policy.closeGraceMs ?? CLOSE_GRACE_MS,
    };
  }

  /** Follows a connection until its socket closes. */
  add(connection: VerifiedConnection, closer: ConnectionCloser): void {
    this.#follow();
    this.#valid.set(connection, closer);
    connection.socket.once('close', () => this.#forget(connection));
    if (this.#policy.onPeerExpiry === 'ignore') {
      connection.keepPeerAfterExpiry();
      return;
    }
    const notAfterMs = connection.peerAtHandshake.notAfterMs;
    if (notAfterMs < this.#earliestMs) this.#armTimer(notAfterMs);
  }

  /** Invalidates what has expired by now. Timers do this too; call it where lateness would let new work through. */
  sweep(): void {
    const now = this.#options.clock.now();
    if (now < this.#earliestMs) return;
    for (const connection of this.#valid.keys()) {
      const { notAfterMs } = connection.peerAtHandshake;
      if (now >= notAfterMs) this.#apply(this.#policy.onPeerExpiry, connection, expired(notAfterMs));
    }
    this.#rearm();
  }

  /** Stops following. Sockets stay as they are. */
  close(): void {
    this.#rest();
    for (const cancel of this.#closing.values()) cancel();
    this.#closing.clear();
    this.#valid.clear();
  }

  /** The source is followed while there are connections, so an idle adapter holds nothing that needs closing. */
  #follow(): void {
    this.#unsubscribe ??= this.#options.source.subscribe((event) => {
      if (event.type === 'update') this.#verifyAll(event.context);
      if (event.type === 'withdrawn') this.#invalidateAll(event.error);
    });
  }

  #rest(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    this.#armTimer(Number.POSITIVE_INFINITY);
  }

  /** Connections that are followed, valid or closing. */
  get size(): number {
    return this.#valid.size + this.#closing.size;
  }

  #verifyAll(context: TlsContext): void {
    for (const connection of this.#valid.keys()) {
      try {
        this.#verifyAgain(connection, context);
      } catch (cause) {
        const error = toSpiffeTlsError(cause);
        const { onPeerExpiry, onPeerInvalid } = this.#policy;
        this.#apply(error.code === 'EXPIRED' ? onPeerExpiry : onPeerInvalid, connection, error);
      }
    }
    this.#rearm();
  }

  #verifyAgain(connection: VerifiedConnection, context: TlsContext): void {
    verifyPeer({
      chain: connection.chain,
      role: connection.role === 'server' ? 'client' : 'server',
      bundles: context.bundles,
      nowMs: this.#momentFor(connection),
      authorize: this.#options.authorize,
      ...(this.#options.trustDomains && { trustDomains: this.#options.trustDomains }),
    });
  }

  /** Where expiry is ignored, a CA that left must still be noticed after it: the verdict is that of the last valid moment. */
  #momentFor({ peerAtHandshake }: VerifiedConnection): number {
    const now = this.#options.clock.now();
    return this.#policy.onPeerExpiry === 'ignore' ? Math.min(now, peerAtHandshake.notAfterMs - 1) : now;
  }

  #apply(policy: LivePeerPolicy, connection: VerifiedConnection, error: SpiffeTlsError): void {
    if (policy === 'ignore') return;
    this.#invalidate(connection, error);
    if (policy === 'destroy') connection.socket.destroy();
  }

  #invalidateAll(error: SpiffeTlsError): void {
    // At once: the jitter spares a server the rush of reconnects, and without an identity nobody can reconnect.
    for (const connection of this.#valid.keys()) this.#invalidate(connection, error, 0);
    this.#rearm();
  }

  #invalidate(connection: VerifiedConnection, error: SpiffeTlsError, closeWithinMs = this.#policy.closeWithinMs): void {
    const closer = this.#valid.get(connection);
    if (closer === undefined) return;
    const endpoints = endpointsOf(connection.socket);
    connection.invalidate();
    this.#valid.delete(connection);
    closer.stopUsing?.();
    this.#closeLater(connection, closer, closeWithinMs);
    const { role, transport, chain } = connection;
    reportRefused(error, { options: this.#options, role, transport }, { ...endpoints, chain });
  }

  #closeLater(connection: VerifiedConnection, closer: ConnectionCloser, closeWithinMs: number): void {
    if (connection.socket.destroyed) return;
    const { clock, random } = this.#options;
    const startCutOff = () => {
      this.#closing.set(
        connection,
        clock.schedule(this.#policy.closeGraceMs, () => connection.socket.destroy()),
      );
      closer.closeGracefully();
    };
    this.#closing.set(connection, clock.schedule(closeWithinMs * random(), startCutOff));
  }

  #forget(connection: VerifiedConnection): void {
    this.#valid.delete(connection);
    this.#closing.get(connection)?.();
    this.#closing.delete(connection);
    // Otherwise the timer, if it was this connection's, re-arms itself when it fires.
    if (this.size === 0) this.#rest();
  }

  #rearm(): void {
    let earliest = Number.POSITIVE_INFINITY;
    const expiring = this.#policy.onPeerExpiry === 'ignore' ? [] : this.#valid.keys();
    for (const { peerAtHandshake } of expiring) earliest = Math.min(earliest, peerAtHandshake.notAfterMs);
    this.#armTimer(earliest);
  }

  #armTimer(atMs: number): void {
    this.#cancelTimer?.();
    this.#earliestMs = atMs;
    const { clock } = this.#options;
    this.#cancelTimer = Number.isFinite(atMs)
      ? clock.schedule(Math.max(0, atMs - clock.now()), () => this.#onTimer())
      : undefined;
  }

  #onTimer(): void {
    // The clock may fire early (its longest wait is capped), so ask again rather than believe it.
    if (this.#options.clock.now() < this.#earliestMs) this.#armTimer(this.#earliestMs);
    else this.sweep();
  }
}

function checkPolicy(name: string, policy: LivePeerPolicy = 'drain'): LivePeerPolicy {
  if (['ignore', 'drain', 'destroy'].includes(policy)) return policy;
  throw new TypeError(`spiffe-tls: "${name}" must be ignore, drain or destroy, got ${quote(String(policy))}`);
}

function expired(notAfterMs: number): SpiffeTlsError {
  const end = new Date(notAfterMs).toISOString();
  return new SpiffeTlsError('EXPIRED', `peer: the X.509-SVID of a live connection must not have expired, got ${end}`, {
    expected: 'an X.509-SVID that is still valid',
    got: `one that ended at ${end}`,
  });
}
