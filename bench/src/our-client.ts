/** Our clients of both transports, layer by layer. */
import type { Agent } from 'node:https';
import { createChainSigner } from '@countersign/caller-chain';
import { HelloServiceClient } from '@countersign/contracts';
import { openGrpcConnection, selfOf, signChainHeaders } from '@countersign/service-kit';
import { authorizeId, createSpiffeGrpcChannel, createSpiffeHttpsAgent } from '@countersign/spiffe-tls';
import { credentials as grpcCredentials } from '@grpc/grpc-js';
import { type Credentials, createSource, peerIdOf } from './credentials.ts';
import type { ClientFactory } from './grpc-client.ts';
import type { SignHeaders } from './https-client.ts';
import { hasLayer, type Side } from './plan.ts';
import { startTelling } from './told.ts';

/** What a client process of ours calls with. */
export interface OurClient {
  createAgent(): Agent;
  /** Absent where no chain is sent. */
  readonly signHeaders?: SignHeaders;
  readonly grpcClients: ClientFactory;
}

export function createOurClient(credentials: Credentials, side: Side): OurClient {
  const source = createSource(credentials);
  const serverId = peerIdOf(credentials);
  const authorize = authorizeId(serverId);
  if (hasLayer(side, 'telemetry')) startTelling('customer', source);
  const createAgent = () => createSpiffeHttpsAgent({ source, authorize });
  if (!hasLayer(side, 'chain')) {
    return {
      createAgent,
      grpcClients: (port) => {
        const address = `127.0.0.1:${port}`;
        const channelOverride = createSpiffeGrpcChannel({ source, authorize, address });
        const stub = new HelloServiceClient(address, grpcCredentials.createInsecure(), { channelOverride });
        return { stub, close: () => channelOverride.close() };
      },
    };
  }
  const chainSigner = createChainSigner({ source });
  return {
    createAgent,
    signHeaders: (act) => signChainHeaders(chainSigner, serverId, act),
    grpcClients: (port) => {
      const address = { host: '127.0.0.1', port };
      const connection = openGrpcConnection({ source, self: () => selfOf(source), chainSigner, address, serverId });
      return { stub: new HelloServiceClient(...connection.clientArguments), close: () => connection.close() };
    },
  };
}
