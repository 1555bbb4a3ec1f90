/**
 * What the documents' snippets take for granted: they show one thing each, and say in prose or above where the rest comes from.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type {
  Authorizer,
  BundleFederation,
  JwtBundleSource,
  JwtSvid,
  SpiffeBundle,
  SpiffeId,
  TrustDomain,
  WorkloadApiX509Source,
  X509BundleSource,
} from '@countersign/spiffe-tls';
import type { Client, ClientOptions, Metadata, Server } from '@grpc/grpc-js';

declare global {
  const app: RequestListener;
  const audience: string;
  const authorize: Authorizer;
  const backend: SpiffeId;
  const backendId: SpiffeId;
  const bundle: SpiffeBundle;
  const bundles: X509BundleSource & JwtBundleSource;
  const cert: string;
  const certificatePem: string;
  const chain: readonly Uint8Array[];
  const chainDer: Uint8Array;
  const credentials: typeof import('@grpc/grpc-js').credentials;
  const customer: SpiffeId;
  const customerId: SpiffeId;
  const federation: BundleFederation;
  const HelloServiceClient: new (target: string, credentials: unknown, options: Partial<ClientOptions>) => Client;
  const https: typeof import('node:https');
  const key: string;
  const keyDer: Uint8Array;
  const metadata: Metadata;
  const ownBundles: JwtBundleSource;
  const pem: string;
  const pg: typeof import('pg');
  const postgresId: SpiffeId;
  const privateKeyPem: string;
  const renewedKeyPem: string;
  const renewedPem: string;
  const request: IncomingMessage;
  const readFile: typeof import('node:fs/promises').readFile;
  const response: ServerResponse;
  const server: Server;
  const source: WorkloadApiX509Source;
  const svid: JwtSvid;
  const token: string;
  const trustDomain: TrustDomain;
  const url: string;
  const workloadSource: WorkloadApiX509Source;
  const writeFile: typeof import('node:fs/promises').writeFile;
}
