/**
 * Channel credentials that connect with the source's SVID of the moment and hand grpc-js only verified connections.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type CallCredentials, ChannelCredentials, credentials, type experimental } from '@grpc/grpc-js';
import { createConnectWatch } from './grpc-connect-watch.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import { type DialOptions, dial } from './tls-dialer.ts';
import type { VerifiedConnection } from './verified-connection.ts';

/** What the credentials report to the channel that uses them. */
export interface SpiffeChannelCredentialsOptions {
  readonly options: TlsSettings;
  /** The host part of the channel's target. */
  readonly host: string;
  /** Called with each connection when its handshake begins. */
  readonly onSocket: (socket: TLSSocket) => void;
  readonly onVerified: (connection: VerifiedConnection) => void;
  readonly onFailed: (error: unknown) => void;
  /** Called when an address has been tried for `silentAfterMs` and has neither connected nor refused. */
  readonly onSilent: () => void;
  readonly silentAfterMs: number;
}

/** See the file's comment. The `_` methods are grpc-js's; `assertGrpcVersion` guards them. */
export class SpiffeChannelCredentials extends ChannelCredentials {
  readonly #options: SpiffeChannelCredentialsOptions;

  constructor(options: SpiffeChannelCredentialsOptions) {
    super();
    this.#options = options;
  }

  override _isSecure(): boolean {
    return true;
  }

  /** Never equal to others: connections must not be shared between identities. */
  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(
    _target: unknown,
    _options: unknown,
    callCredentials: CallCredentials = credentials.createEmpty(),
  ): experimental.SecureConnector {
    const { options, silentAfterMs, onSilent } = this.#options;
    const watch = createConnectWatch(options.clock, silentAfterMs, onSilent);
    return {
      connect: (socket) => {
        watch.end();
        return connect(socket, this.#options);
      },
      // Asked right before each TCP connection is made.
      async waitForReady() {
        watch.begin();
      },
      getCallCredentials: () => callCredentials,
      destroy: () => watch.end(),
    };
  }
}

async function connect(
  underlying: Socket,
  { options, host, onSocket, onVerified, onFailed }: SpiffeChannelCredentialsOptions,
): Promise<experimental.SecureConnectResult> {
  try {
    const dialing = { options, transport: 'grpc', host, socket: underlying, alpn: 'h2' } as const;
    const connection = await handshake(dialing, onSocket);
    onVerified(connection);
    return { socket: connection.socket, secure: true };
  } catch (error) {
    onFailed(error);
    throw error;
  }
}

function handshake(
  dialing: Omit<DialOptions, 'onVerified'>,
  onSocket: (socket: TLSSocket) => void,
): Promise<VerifiedConnection> {
  return new Promise((resolve, reject) => {
    const socket = dial({ ...dialing, onVerified: resolve });
    onSocket(socket);
    // Both stay: after the handshake rejecting does nothing, and the socket's end is HTTP/2's business.
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection during the TLS handshake')));
  });
}
