/** A client of one of our services: its channel, who the server must be, the link and the span of each call. */
import type { ChainSigner } from '@countersign/caller-chain';
import { authorizeId, createSpiffeGrpcChannel, type SpiffeId, type X509Source } from '@countersign/spiffe-tls';
import { createGrpcClientTracing, type Party } from '@countersign/telemetry';
import { type ChannelCredentials, type ClientOptions, credentials } from '@grpc/grpc-js';
import { CHANNEL_OPTIONS } from './grpc-call.ts';
import { createGrpcChainInterceptor } from './outgoing-chain.ts';
import { type Address, formatAddress } from './setting-types.ts';

/** Which server. */
export interface GrpcClientOptions {
  readonly source: X509Source;
  readonly self: () => Party | undefined;
  /** Signs the caller chain of each call. */
  readonly chainSigner: ChainSigner;
  readonly address: Address;
  /** SPIFFE ID that the server must have. */
  readonly serverId: SpiffeId;
}

/** What generated clients are constructed with, and how to close it. */
export interface GrpcConnection {
  /** Arguments of a generated client: `new XClient(...connection.clientArguments)`. */
  readonly clientArguments: [string, ChannelCredentials, Partial<ClientOptions>];
  close(): void;
}

/** Opens a channel; it connects with the first call. */
export function openGrpcConnection(options: GrpcClientOptions): GrpcConnection {
  const { source, serverId } = options;
  const address = formatAddress(options.address);
  const channel = createSpiffeGrpcChannel({
    source,
    authorize: authorizeId(serverId),
    address,
    channelOptions: CHANNEL_OPTIONS,
  });
  const interceptors = [
    createGrpcClientTracing({ self: options.self, peerId: serverId.toString() }),
    createGrpcChainInterceptor(options.chainSigner, serverId),
  ];
  // The channel brings its own TLS; these credentials are never used, and a client can't be made without any.
  return {
    clientArguments: [address, credentials.createInsecure(), { channelOverride: channel, interceptors }],
    close: () => channel.close(),
  };
}
