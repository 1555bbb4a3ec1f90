/** customer: the edge. Plain HTTP for the browser on one side, SPIFFE mTLS to backend on the other. */
import { createServer } from 'node:http';
import { OrderServiceClient } from '@countersign/contracts';
import {
  closeHttpServer,
  formatAddress,
  listenHttp,
  openGrpcConnection,
  type RunningService,
  type ServiceContext,
  type ServiceProgram,
  signChainHeaders,
} from '@countersign/service-kit';
import { authorizeId, createSpiffeHttpsAgent } from '@countersign/spiffe-tls';
import { createApp } from './app.ts';
import { createGrpcBackend } from './backend-over-grpc.ts';
import { createHttpsBackend } from './backend-over-https.ts';
import { createOrderStreams } from './order-stream.ts';
import { customerSettings } from './settings.ts';

/** The program that `main.ts` runs. */
export const customer: ServiceProgram<typeof customerSettings> = {
  name: 'customer',
  settings: customerSettings,
  start,
};

/** Nothing that comes from outside may take long or be large; a stream's answer has no such bound. */
const SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
};

async function start(context: ServiceContext<typeof customerSettings>): Promise<RunningService> {
  const { config, source, self, chainSigner, development } = context;
  const agent = createSpiffeHttpsAgent({ source, authorize: authorizeId(config.backendId), maxSockets: 64 });
  const connection = openGrpcConnection({
    source,
    self,
    chainSigner,
    address: config.backendGrpcAddress,
    serverId: config.backendId,
  });
  const signHeaders = (act: string) => signChainHeaders(chainSigner, config.backendId, act);
  const app = createApp({
    ...context,
    allowedHosts: config.allowedHosts,
    backendId: config.backendId.toString(),
    backends: {
      http: createHttpsBackend({ url: config.backendUrl, agent, development, signHeaders }),
      grpc: createGrpcBackend(connection, development),
    },
    streamOrders: createOrderStreams({ ...context, orders: new OrderServiceClient(...connection.clientArguments) }),
  });
  const server = createServer(SERVER_OPTIONS, app);
  server.maxConnections = 512;
  const address = await listenHttp(server, config.httpAddress);
  return {
    addresses: { http: formatAddress(address) },
    stop: async (graceMs) => {
      await closeHttpServer(server, graceMs);
      connection.close();
      agent.destroy();
    },
  };
}
