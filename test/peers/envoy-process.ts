/**
 * Envoy with a configuration of ours: one listener and one cluster, mutual TLS on either side, peers verified by the bundle
 * of their own trust domain and matched by their URI SAN.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startPeer } from './peer-process.ts';
import { printed, scratchDirectory } from './program.ts';

/** Where Envoy's SVID is. */
export type EnvoyIdentity =
  | { readonly certificate: string; readonly key: string }
  /** A file with the secret `svid`, that Envoy watches. */
  | { readonly secrets: string }
  /** The socket of a SPIRE agent, whose SDS gives this process its SVID. */
  | { readonly agent: string };

/** What one side of Envoy presents and accepts. */
export interface EnvoyTls {
  readonly identity: EnvoyIdentity;
  /** A PEM file for each trust domain, a file with a SPIFFE bundle map, or all that a SPIRE agent gives. */
  readonly bundles:
    | { readonly files: Readonly<Record<string, string>> }
    | { readonly map: string }
    | { readonly agent: true };
  /** The SPIFFE ID that the peer must have. */
  readonly peer: string;
}

/** One path through Envoy. Without `downstream` clients speak plain HTTP, without `upstream` the server does. */
export interface EnvoyOptions {
  readonly downstream?: EnvoyTls;
  readonly upstream?: EnvoyTls;
  /** The server's port. */
  readonly target: number;
  /** What Envoy speaks to the server. Default `http/1.1`. */
  readonly protocol?: 'http/1.1' | 'h2';
}

/** A running Envoy. */
export interface Envoy {
  readonly port: number;
  /** The sum of all counters whose names end so. */
  counter(suffix: string): Promise<number>;
}

const TYPE = 'type.googleapis.com/envoy.extensions';
const TLS = `${TYPE}.transport_sockets.tls.v3`;

/** Starts it; stopped when the test ends. */
export async function startEnvoy(t: TestContext, command: string, options: EnvoyOptions): Promise<Envoy> {
  const directory = await scratchDirectory(t);
  const [config, adminFile] = [join(directory, 'envoy.json'), join(directory, 'admin')];
  await writeFile(config, JSON.stringify(bootstrap(options)), { mode: 0o600 });
  const own = [
    '--concurrency',
    '1',
    '--disable-hot-restart',
    '--service-node',
    'peer',
    '--service-cluster',
    'peers',
    '--admin-address-path',
    adminFile,
  ];
  const process = startPeer(t, { command, args: ['-c', config, ...own] });
  await printed(process, /starting main dispatch loop/);
  const admin = await readFile(adminFile, 'utf8');
  // With SDS it listens when it has its certificate. Each look is a request of its own.
  while (sumOf(await ask(admin, '/stats?usedonly'), 'listener_manager.workers_started') === 0);
  const { listener_statuses: listeners } = JSON.parse(await ask(admin, '/listeners?format=json'));
  const port = Number(listeners[0].local_address.socket_address.port_value);
  assert.ok(port > 0, 'Envoy says where it listens');
  return { port, counter: async (suffix) => sumOf(await ask(admin, '/stats?usedonly'), suffix) };
}

function sumOf(stats: string, suffix: string): number {
  const lines = stats.split('\n').map((line) => line.split(': '));
  return lines.reduce((sum, [name = '', value]) => sum + (name.endsWith(suffix) ? Number(value) : 0), 0);
}

function ask(admin: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`http://${admin}${path}`, { agent: false }, async (response) => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      resolve(body);
    });
    outgoing.on('error', reject).end();
  });
}

function bootstrap({ downstream, upstream, target, protocol = 'http/1.1' }: EnvoyOptions): object {
  const listener = {
    name: 'in',
    address: loopback(0),
    filter_chains: [
      {
        filters: [{ name: 'http', typed_config: httpConnectionManager() }],
        ...(downstream && { transport_socket: socketOf('DownstreamTlsContext', downstream, ['h2', 'http/1.1']) }),
      },
    ],
  };
  const cluster = {
    name: 'out',
    type: 'STATIC',
    load_assignment: {
      cluster_name: 'out',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(target) } }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        // Each request needs a handshake of its own, so that sessions would be resumed if they could.
        common_http_protocol_options: { max_requests_per_connection: 1 },
        explicit_http_config: { [protocol === 'h2' ? 'http2_protocol_options' : 'http_protocol_options']: {} },
      },
    },
    ...(upstream && { transport_socket: socketOf('UpstreamTlsContext', upstream, [protocol]) }),
  };
  const agents = [downstream, upstream].flatMap((tls) => (tls && 'agent' in tls.identity ? [tls.identity.agent] : []));
  return {
    admin: { address: loopback(0) },
    static_resources: { listeners: [listener], clusters: [cluster, ...agents.slice(0, 1).map(agentCluster)] },
  };
}

/** Where SDS comes from: gRPC over the agent's socket. */
function agentCluster(socket: string): object {
  const endpoint = { address: { pipe: { path: socket.replace('unix://', '') } } };
  return {
    name: 'agent',
    type: 'STATIC',
    load_assignment: { cluster_name: 'agent', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  };
}

function loopback(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** Routes everything to the cluster. What a client says in `x-forwarded-client-cert` is replaced by what TLS has proven. */
function httpConnectionManager(): object {
  const route = { match: { prefix: '/' }, route: { cluster: 'out' } };
  return {
    '@type': `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'in',
    codec_type: 'AUTO',
    forward_client_cert_details: 'SANITIZE_SET',
    set_current_client_cert_details: { uri: true },
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${TYPE}.filters.http.router.v3.Router` } }],
  };
}

function socketOf(type: 'DownstreamTlsContext' | 'UpstreamTlsContext', tls: EnvoyTls, alpn: string[]): object {
  const { identity, bundles, peer } = tls;
  const common = {
    alpn_protocols: alpn,
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    ...certificateOf(identity),
    ...validationOf(bundles, { match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer } }] }),
  };
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TLS}.${type}`,
      common_tls_context: common,
      ...(type === 'DownstreamTlsContext' && { require_client_certificate: true }),
    },
  };
}

function certificateOf(identity: EnvoyIdentity): object {
  if ('certificate' in identity) {
    const { certificate, key } = identity;
    return { tls_certificates: [{ certificate_chain: file(certificate), private_key: file(key) }] };
  }
  const [name, source] = 'agent' in identity ? ['default', AGENT] : ['svid', watched(identity.secrets)];
  return { tls_certificate_sds_secret_configs: [{ name, sds_config: source }] };
}

function validationOf(bundles: EnvoyTls['bundles'], match: object): object {
  if ('agent' in bundles) {
    const secret = { name: 'ALL', sds_config: AGENT };
    return {
      combined_validation_context: { default_validation_context: match, validation_context_sds_secret_config: secret },
    };
  }
  const validator = {
    name: 'envoy.tls.cert_validator.spiffe',
    typed_config: { '@type': `${TLS}.SPIFFECertValidatorConfig`, ...trustOf(bundles) },
  };
  return { validation_context: { ...match, custom_validator_config: validator } };
}

function trustOf(bundles: Exclude<EnvoyTls['bundles'], { agent: true }>): object {
  if ('map' in bundles) return { trust_bundles: file(bundles.map) };
  return { trust_domains: Object.entries(bundles.files).map(([name, path]) => ({ name, trust_bundle: file(path) })) };
}

const AGENT = {
  resource_api_version: 'V3',
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'agent' } }],
  },
} as const;

function file(filename: string): object {
  return { filename };
}

function watched(path: string): object {
  return { path_config_source: { path }, resource_api_version: 'V3' };
}

/** The content of {@link EnvoyIdentity}'s file of secrets. */
export function secretsOf(pem: { readonly certificatePem: string; readonly keyPem: string }): string {
  const tlsCertificate = {
    certificate_chain: { inline_string: pem.certificatePem },
    private_key: { inline_string: pem.keyPem },
  };
  return JSON.stringify({
    resources: [{ '@type': `${TLS}.Secret`, name: 'svid', tls_certificate: tlsCertificate }],
  });
}
