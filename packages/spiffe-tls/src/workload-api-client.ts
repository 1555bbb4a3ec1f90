/**
 * The gRPC client of the Workload API: the generated stub with the options that a long-lived watcher of a local agent
 * needs. It has no credentials on purpose: the agent knows who calls by the socket (Workload Endpoint section 5).
 */
import type { Socket } from 'node:net';
import { ChannelCredentials, type ChannelOptions, InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { SpiffeWorkloadAPIClient } from './gen/workload.ts';
import type { WorkloadEndpoint } from './workload-endpoint.ts';

/** The metadata without which a Workload API must refuse: it shows that the caller is no browser led astray (Workload Endpoint section 3). */
export const SECURITY_HEADER = 'workload.spiffe.io';

/** A message may hold the bundles of many federated trust domains; gRPC's own limit is 4 MiB. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

const CHANNEL_OPTIONS: ChannelOptions = {
  // An agent that restarted has to be seen within seconds; the default grows to two minutes.
  'grpc.initial_reconnect_backoff_ms': 250,
  'grpc.max_reconnect_backoff_ms': 5000,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  // The watch loop retries; a second one beneath it would multiply the calls.
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  // ZERO TRUST: with `http_proxy` set, grpc-js would hand a tcp: Workload API, private keys included, to the proxy.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};

/** Options of {@link createWorkloadApiClient}. */
export interface WorkloadApiClientOptions {
  /** Whether an open stream alone lets the process end. Default `false`. */
  readonly unref?: boolean;
}

/**
 * Makes a client for one endpoint; the caller closes it. Connects with the first call.
 * @example
 * const client = createWorkloadApiClient(parseWorkloadEndpoint('unix:///run/spire/sockets/agent.sock'));
 */
export function createWorkloadApiClient(
  endpoint: WorkloadEndpoint,
  options: WorkloadApiClientOptions = {},
): SpiffeWorkloadAPIClient {
  const credentials = options.unref ? new UnreferencedCredentials() : ChannelCredentials.createInsecure();
  return new SpiffeWorkloadAPIClient(endpoint.target, credentials, {
    ...CHANNEL_OPTIONS,
    interceptors: [addSecurityHeader],
  });
}

const addSecurityHeader: Interceptor = (options, nextCall) =>
  new InterceptingCall(nextCall(options), {
    start(metadata, listener, next) {
      metadata.set(SECURITY_HEADER, 'true');
      next(metadata, listener);
    },
  });

type CreateConnector = ChannelCredentials['_createSecureConnector'];

/** Plain-text credentials whose sockets don't keep the process alive. */
class UnreferencedCredentials extends ChannelCredentials {
  override _isSecure(): boolean {
    return false;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(...parameters: Parameters<CreateConnector>): ReturnType<CreateConnector> {
    const connector = ChannelCredentials.createInsecure()._createSecureConnector(...parameters);
    return { ...connector, connect: (socket: Socket) => connector.connect(unreference(socket)) };
  }
}

/** grpc-js calls `ref()` on the socket for as long as a stream is open, so `unref()` alone would not last. */
function unreference(socket: Socket): Socket {
  socket.unref();
  socket.ref = () => socket;
  return socket;
}
