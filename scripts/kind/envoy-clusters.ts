/** Where Envoy beside a workload may connect to, and who it must find there: the workloads that this one calls over HTTP. */
import type { Identities, Workload } from '../../packages/identities/src/index.ts';
import { networkEdges } from './kubernetes-objects.ts';
import type { Yaml } from './yaml.ts';

const TYPE = 'type.googleapis.com/envoy';
/**
 * Envoy takes renewed certificates for new connections, and keeps the old ones: a server of ours refuses what comes over one whose
 * SVID has ended. Each SVID is renewed at half of its life, so that what is left of one is always longer than this.
 */
const MAX_CONNECTION_DURATION = '15s';
/** Of the Services that have a port for HTTPS. */
const HTTPS_PORT = 8443;

/** What Envoy reads as its clusters; each has the called workload's name. */
export function envoyClusters(identities: Identities, caller: string): Yaml {
  const called = networkEdges(identities).filter(({ from, ports }) => from === caller && ports.includes('https'));
  return { resources: called.map(({ to }) => cluster(identities.workload(to), identities.trustDomain)) };
}

function cluster(called: Workload, trustDomain: string): Yaml {
  const address = { socket_address: { address: called.name, port_value: HTTPS_PORT } };
  return {
    '@type': `${TYPE}.config.cluster.v3.Cluster`,
    name: called.name,
    type: 'STRICT_DNS',
    load_assignment: {
      cluster_name: called.name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions`,
        common_http_protocol_options: { max_connection_duration: MAX_CONNECTION_DURATION },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    transport_socket: {
      name: 'envoy.transport_sockets.tls',
      typed_config: {
        '@type': `${TYPE}.extensions.transport_sockets.tls.v3.UpstreamTlsContext`,
        common_tls_context: tlsContext(called, trustDomain),
      },
    },
  };
}

/** Certificate, key and bundle come from the SPIRE agent as they change; the pod's own SVID is the one called `default`. */
function tlsContext({ spiffeId }: Workload, trustDomain: string): Yaml {
  const version = 'TLSv1_3';
  return {
    tls_params: { tls_minimum_protocol_version: version, tls_maximum_protocol_version: version },
    tls_certificate_sds_secret_configs: [{ name: 'default', sds_config: AGENT }],
    combined_validation_context: {
      // ZERO TRUST: any workload of the trust domain has a certificate of its CA. This names the one.
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: spiffeId } }],
      },
      validation_context_sds_secret_config: { name: `spiffe://${trustDomain}`, sds_config: AGENT },
    },
  };
}

/** The agent refuses until it knows the pod. Envoy asks again soon, and is not ready before it has been given what it asks for. */
const AGENT = {
  resource_api_version: 'V3',
  initial_fetch_timeout: '0s',
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [
      {
        envoy_grpc: {
          cluster_name: 'spire-agent',
          retry_policy: { retry_back_off: { base_interval: '0.5s', max_interval: '2s' } },
        },
      },
    ],
  },
} as const;
