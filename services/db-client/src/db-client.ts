/** db-client: gRPC in, SQL out. The only service that knows the database. */
import { createGrpcGuard } from '@countersign/authz';
import { OrderServiceService } from '@countersign/contracts';
import {
  formatAddress,
  type Hop,
  partyOf,
  type RunningService,
  SERVER_OPTIONS,
  type ServiceContext,
  type ServiceProgram,
  startPolicy,
} from '@countersign/service-kit';
import { createSpiffeGrpcServer } from '@countersign/spiffe-tls';
import { createGrpcCallLog } from '@countersign/telemetry';
import { Server } from '@grpc/grpc-js';
import { openDatabase } from './database.ts';
import { startOrderFeed } from './order-feed.ts';
import { createOrderService } from './order-service.ts';
import { createOrdersStore } from './orders-store.ts';
import { dbClientSettings } from './settings.ts';

type Context = ServiceContext<typeof dbClientSettings>;

/** The program that `main.ts` runs. */
export const dbClient: ServiceProgram<typeof dbClientSettings> = {
  name: 'db-client',
  settings: dbClientSettings,
  databasePeerId: (config) => config.postgresId.toString(),
  start,
};

async function start(context: Context): Promise<RunningService> {
  const { config, logger, readiness, self, source, stopping } = context;
  const policy = await startPolicy(context);
  const database = openDatabase({
    source,
    address: config.postgresAddress,
    serverId: config.postgresId,
    database: config.postgresDatabase,
    user: config.postgresUser,
  });
  const feed = startOrderFeed(database, { logger, onState: (problem) => readiness.report('database', problem) });
  const stopFollowing = source.subscribe((event) => {
    if (event.type === 'update' && event.changed.svid) feed.renew();
  });
  const guard = createGrpcGuard(policy.guard);
  const server = new Server({
    ...SERVER_OPTIONS,
    interceptors: [createGrpcCallLog({ logger, self, peerOf: partyOf }), guard],
  });
  const store = createOrdersStore(database);
  server.addService(
    OrderServiceService,
    createOrderService({ store, feed, logger, stopping, databaseHop: databaseHop(context) }),
  );
  const listener = createSpiffeGrpcServer({ source, authorize: policy.authorize, server });
  const { port } = await listener.listen(config.grpcAddress.port, config.grpcAddress.host);
  return {
    addresses: { grpc: formatAddress({ host: config.grpcAddress.host, port }) },
    stop: async (graceMs) => {
      await listener.drain(graceMs);
      stopFollowing();
      feed.close();
      // Nothing is decided any more. A statement that still runs must not cost the decision log its last upload.
      await Promise.all([database.close(), policy.close()]);
    },
  };
}

/** PostgreSQL decides by roles and keeps no decision records: the role it let in stands for the decision's ID. */
function databaseHop({ config, development, self }: Context): ((operation: string) => Hop | undefined) | undefined {
  if (!development) return undefined;
  return (operation) => {
    const own = self();
    if (own === undefined) return undefined;
    return {
      from: own.id,
      to: config.postgresId.toString(),
      transport: 'postgres',
      operation,
      decision: 'allow',
      decision_id: config.postgresUser,
      from_serial: own.serial,
    };
  };
}
