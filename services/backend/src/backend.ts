/** backend: orders over HTTPS and gRPC for those whom the policy allows, kept by db-client. */
import { createGrpcGuard } from '@countersign/authz';
import { HelloServiceService, OrderServiceClient, OrderServiceService } from '@countersign/contracts';
import {
  type Address,
  closeHttpServer,
  formatAddress,
  listenHttp,
  openGrpcConnection,
  type Policy,
  partyOf,
  type RunningService,
  SERVER_OPTIONS,
  type ServiceContext,
  type ServiceProgram,
  startPolicy,
} from '@countersign/service-kit';
import { createSpiffeGrpcServer, createSpiffeHttpsServer } from '@countersign/spiffe-tls';
import { createGrpcCallLog } from '@countersign/telemetry';
import { Server } from '@grpc/grpc-js';
import { createHelloService, createOrderService } from './grpc-services.ts';
import { createHttpApp } from './http-app.ts';
import { createOrdersGateway, type OrdersGateway } from './orders-gateway.ts';
import { backendSettings } from './settings.ts';

type Context = ServiceContext<typeof backendSettings>;

/** One of the two ways in. */
interface Listener {
  readonly address: Address;
  stop(graceMs: number): Promise<void>;
}

/** The program that `main.ts` runs. */
export const backend: ServiceProgram<typeof backendSettings> = { name: 'backend', settings: backendSettings, start };

async function start(context: Context): Promise<RunningService> {
  const { config, source, self, chainSigner } = context;
  const policy = await startPolicy(context);
  const connection = openGrpcConnection({
    source,
    self,
    chainSigner,
    address: config.dbClientAddress,
    serverId: config.dbClientId,
  });
  const orders = createOrdersGateway(new OrderServiceClient(...connection.clientArguments));
  const https = await listenHttps(context, policy, orders);
  const grpc = await listenGrpc(context, policy, orders);
  return {
    addresses: { https: formatAddress(https.address), grpc: formatAddress(grpc.address) },
    stop: async (graceMs) => {
      await Promise.all([https.stop(graceMs), grpc.stop(graceMs)]);
      connection.close();
      await policy.close();
    },
  };
}

async function listenHttps(context: Context, policy: Policy, orders: OrdersGateway): Promise<Listener> {
  const app = createHttpApp({ ...context, orders, guard: policy.guard });
  const server = createSpiffeHttpsServer({ source: context.source, authorize: policy.authorize }, app);
  const address = await listenHttp(server, context.config.httpsAddress);
  return { address, stop: (graceMs) => closeHttpServer(server, graceMs) };
}

async function listenGrpc(context: Context, policy: Policy, orders: OrdersGateway): Promise<Listener> {
  const { logger, self, source, config } = context;
  const callLog = createGrpcCallLog({ logger, self, peerOf: partyOf });
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [callLog, createGrpcGuard(policy.guard)] });
  server.addService(HelloServiceService, createHelloService({ ...context, orders }));
  server.addService(OrderServiceService, createOrderService({ ...context, orders }));
  const listener = createSpiffeGrpcServer({ source, authorize: policy.authorize, server });
  const { port } = await listener.listen(config.grpcAddress.port, config.grpcAddress.host);
  return { address: { host: config.grpcAddress.host, port }, stop: (graceMs) => listener.drain(graceMs) };
}
