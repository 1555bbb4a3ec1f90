/**
 * SPIRE's configuration: a server with its database in one file, an agent that joins by a token and attests by Unix user,
 * group and program. HCL strings are written as JSON strings, which are the same for what stands here.
 */
import { join } from 'node:path';
import type { SpireLayout } from './layout.ts';

/** Who signs the server's CA. */
export type SpireRoot =
  /** A root of ours on disk by `UpstreamAuthority "disk"`: SVIDs come with an intermediate, and the root survives restarts. */
  | 'disk'
  /** The server itself: its CA is the root, as `spire-server localauthority` rotates it. */
  | 'server';

/** What the files are written from. */
export interface SpireSettings {
  readonly layout: SpireLayout;
  readonly trustDomain: string;
  readonly port: number;
  readonly root: SpireRoot;
  /** Serves the bundle to federated trust domains, by profile `https_spiffe`; nobody without it. */
  readonly bundleEndpointPort?: number;
  /**
   * Lets entries name a program by its hash, which the agent makes at each connection: some 100 ms of work for Node. Without
   * it, entries may still name a program's path.
   */
  readonly hashPrograms?: boolean;
  /** Has the agent tell of each message that it sends. */
  readonly debug?: boolean;
}

/** SPIFFE ID that entries name as their parent. */
export function agentIdOf(trustDomain: string): string {
  return `spiffe://${trustDomain}/agent/local`;
}

/** Where the root is for `UpstreamAuthority "disk"`. */
export function rootFiles(layout: SpireLayout): { certificate: string; key: string } {
  return { certificate: join(layout.ca, 'root.pem'), key: join(layout.ca, 'root-key.pem') };
}

/** The PEM file that the agent trusts the server by. */
export function bootstrapFile(layout: SpireLayout): string {
  return join(layout.agent, 'bootstrap.pem');
}

/** Text of `server.conf`. */
export function serverConf({ layout, trustDomain, port, root, bundleEndpointPort }: SpireSettings): string {
  const { certificate, key } = rootFiles(layout);
  const upstream = `  UpstreamAuthority "disk" { plugin_data {
    cert_file_path = ${text(certificate)}
    key_file_path = ${text(key)}
  } }
`;
  const federation = `  federation { bundle_endpoint {
    address = "127.0.0.1"
    port = ${bundleEndpointPort}
    profile "https_spiffe" {}
  } }
`;
  return `server {
  bind_address = "127.0.0.1"
  bind_port = ${port}
  socket_path = ${text(layout.serverSocket)}
  trust_domain = ${text(trustDomain)}
  data_dir = ${text(layout.server)}
  log_format = "json"
${bundleEndpointPort === undefined ? '' : federation}}
plugins {
  DataStore "sql" { plugin_data {
    database_type = "sqlite3"
    connection_string = ${text(join(layout.server, 'datastore.sqlite3'))}
  } }
  KeyManager "disk" { plugin_data { keys_path = ${text(join(layout.server, 'keys.json'))} } }
  NodeAttestor "join_token" { plugin_data {} }
${root === 'disk' ? upstream : ''}}
`;
}

/** Text of `agent.conf`. */
export function agentConf({ layout, trustDomain, port, hashPrograms, debug }: SpireSettings): string {
  return `agent {
  server_address = "127.0.0.1"
  server_port = ${port}
  socket_path = ${text(layout.agentSocket)}
  trust_domain = ${text(trustDomain)}
  trust_bundle_path = ${text(bootstrapFile(layout))}
  data_dir = ${text(layout.agent)}
  log_format = "json"
  log_level = ${text(debug ? 'DEBUG' : 'INFO')}
}
plugins {
  KeyManager "disk" { plugin_data { directory = ${text(layout.agent)} } }
  NodeAttestor "join_token" { plugin_data {} }
  WorkloadAttestor "unix" { plugin_data {
    discover_workload_path = true
    workload_size_limit = ${hashPrograms ? 0 : -1}
  } }
}
`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
