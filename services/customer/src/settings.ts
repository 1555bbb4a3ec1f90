/** Settings of customer. */
import {
  parseDialAddress,
  parseHostNames,
  parseHttpsOrigin,
  parseListenAddress,
  parseWorkloadId,
} from '@countersign/service-kit';

/** Beside the common ones. */
export const customerSettings = {
  httpAddress: {
    variable: 'HTTP_ADDRESS',
    describes:
      'where the API and the page are served, plain HTTP: keep it on loopback or behind something that adds TLS',
    fallback: '127.0.0.1:8080',
    parse: parseListenAddress,
  },
  allowedHosts: {
    variable: 'ALLOWED_HOSTS',
    describes: 'host names that requests may be for, beside localhost, 127.0.0.1 and [::1]; separated by commas',
    fallback: '',
    parse: parseHostNames,
  },
  backendUrl: {
    variable: 'BACKEND_URL',
    describes: "backend's HTTPS interface",
    fallback: 'https://127.0.0.1:8443',
    parse: parseHttpsOrigin,
  },
  backendGrpcAddress: {
    variable: 'BACKEND_GRPC_ADDRESS',
    describes: "host and port of backend's gRPC interface",
    fallback: '127.0.0.1:9443',
    parse: parseDialAddress,
  },
  backendId: { variable: 'BACKEND_SPIFFE_ID', describes: 'SPIFFE ID that backend must have', parse: parseWorkloadId },
} as const;
