/** Settings of backend. */
import {
  decisionLogSettings,
  parseDialAddress,
  parseListenAddress,
  parseWorkloadId,
  policySettings,
} from '@countersign/service-kit';

/** Beside the common ones. */
export const backendSettings = {
  ...policySettings,
  ...decisionLogSettings,
  httpsAddress: {
    variable: 'HTTPS_ADDRESS',
    describes: 'where HTTPS is served, mutual TLS',
    fallback: '127.0.0.1:8443',
    parse: parseListenAddress,
  },
  grpcAddress: {
    variable: 'GRPC_ADDRESS',
    describes: 'where gRPC is served, mutual TLS',
    fallback: '127.0.0.1:9443',
    parse: parseListenAddress,
  },
  dbClientAddress: {
    variable: 'DB_CLIENT_GRPC_ADDRESS',
    describes: 'host and port of db-client',
    fallback: '127.0.0.1:9444',
    parse: parseDialAddress,
  },
  dbClientId: {
    variable: 'DB_CLIENT_SPIFFE_ID',
    describes: 'SPIFFE ID that db-client must have',
    parse: parseWorkloadId,
  },
} as const;
