/**
 * A connection whose peer was verified, and how to find it again from a socket. The table is keyed by the real socket:
 * the proxy that `http2` hands out as `session.socket` misses in a WeakMap.
 */
import type { TLSSocket } from 'node:tls';
import type { Clock } from './clock.ts';
import type { Peer } from './peer.ts';
import type { Transport } from './refusal.ts';

/** One live TLS connection with a verified peer. */
export class VerifiedConnection {
  readonly socket: TLSSocket;
  readonly role: 'server' | 'client';
  readonly transport: Transport;
  /** The certificates as the peer sent them, kept to verify them again when bundles change. */
  readonly chain: readonly Uint8Array[];
  /** The own SPIFFE ID and serial number that this connection was made with, if with an SVID. */
  readonly self: string | undefined;
  readonly selfSerial: string | undefined;
  readonly #peer: Peer;
  readonly #clock: Clock;
  #invalid = false;
  #expires = true;

  constructor(facts: {
    readonly socket: TLSSocket;
    readonly role: 'server' | 'client';
    readonly transport: Transport;
    readonly chain: readonly Uint8Array[];
    readonly self?: string | undefined;
    readonly selfSerial?: string | undefined;
    readonly peer: Peer;
    readonly clock: Clock;
  }) {
    this.socket = facts.socket;
    this.role = facts.role;
    this.transport = facts.transport;
    this.chain = facts.chain;
    this.self = facts.self;
    this.selfSerial = facts.selfSerial;
    this.#peer = facts.peer;
    this.#clock = facts.clock;
  }

  /** The peer, or `undefined` from the moment it is no longer verified, even if no timer has fired yet. */
  get peer(): Peer | undefined {
    const expired = this.#expires && this.#clock.now() >= this.#peer.notAfterMs;
    return this.#invalid || expired ? undefined : this.#peer;
  }

  /** The peer as it was verified, whatever happened since: for log lines about the end of a connection. */
  get peerAtHandshake(): Peer {
    return this.#peer;
  }

  /** The peer stays the peer when its SVID expires, as the policy `onPeerExpiry: 'ignore'` asks for. */
  keepPeerAfterExpiry(): void {
    this.#expires = false;
  }

  /** From now on the connection has no peer. */
  invalidate(): void {
    this.#invalid = true;
    this.socket.authorized = false;
  }
}

const byCarrier = new WeakMap<object, VerifiedConnection>();

/** Makes the connection known under `carrier`: its socket, or an object that stands for it. */
export function rememberConnection(carrier: object, connection: VerifiedConnection): void {
  byCarrier.set(carrier, connection);
}

/** The verified connection behind a socket, or `undefined`. */
export function findConnection(carrier: object): VerifiedConnection | undefined {
  return byCarrier.get(carrier);
}
