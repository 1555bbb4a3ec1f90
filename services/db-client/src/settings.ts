/** Settings of db-client and of its migrations. */
import {
  commonSettings,
  decisionLogSettings,
  identitySettings,
  parseDialAddress,
  parseIdentifier,
  parseListenAddress,
  parseWorkloadId,
  policySettings,
} from '@countersign/service-kit';

const databaseSettings = {
  postgresAddress: {
    variable: 'POSTGRES_ADDRESS',
    describes: 'host and port of PostgreSQL',
    fallback: '127.0.0.1:54320',
    parse: parseDialAddress,
  },
  postgresDatabase: {
    variable: 'POSTGRES_DATABASE',
    describes: 'database',
    fallback: 'orders',
    parse: parseIdentifier,
  },
  postgresId: {
    variable: 'POSTGRES_SPIFFE_ID',
    describes: 'SPIFFE ID that the PostgreSQL server must have',
    parse: parseWorkloadId,
  },
} as const;

const user = (fallback: string) =>
  ({ variable: 'POSTGRES_USER', describes: 'role to log in as', fallback, parse: parseIdentifier }) as const;

/** Of the service. */
export const dbClientSettings = {
  ...databaseSettings,
  postgresUser: user('orders_rw'),
  ...policySettings,
  ...decisionLogSettings,
  grpcAddress: {
    variable: 'GRPC_ADDRESS',
    describes: 'where gRPC is served, mutual TLS',
    fallback: '127.0.0.1:9444',
    parse: parseListenAddress,
  },
} as const;

/** Of `migrate.ts`. */
export const migrateSettings = {
  ...identitySettings,
  logLevel: commonSettings.logLevel,
  ...databaseSettings,
  postgresUser: user('orders_owner'),
} as const;
