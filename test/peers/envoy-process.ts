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
  | { readonly secrets: string };

/** What one side of Envoy presents and accepts. */
export interface EnvoyTls {
  readonly identity: EnvoyIdentity;
  /** A PEM file for each trust domain, or a file with a SPIFFE bundle map. */
  readonly bundles: Readonly<Record<string, string>> | { readonly map: string };
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
  return {
    admin: { address: loopback(0) },
    static_resources: { listeners: [listener], clusters: [cluster] },
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
    ...('secrets' in identity
      ? { tls_certificate_sds_secret_configs: [{ name: 'svid', sds_config: watched(identity.secrets) }] }
      : { tls_certificates: [{ certificate_chain: file(identity.certificate), private_key: file(identity.key) }] }),
    validation_context: {
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: peer } }],
      custom_validator_config: {
        name: 'envoy.tls.cert_validator.spiffe',
        typed_config: { '@type': `${TLS}.SPIFFECertValidatorConfig`, ...trustOf(bundles) },
      },
    },
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

function trustOf(bundles: EnvoyTls['bundles']): object {
  if ('map' in bundles && typeof bundles.map === 'string') return { trust_bundles: file(bundles.map) };
  return { trust_domains: Object.entries(bundles).map(([name, path]) => ({ name, trust_bundle: file(path) })) };
}

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
