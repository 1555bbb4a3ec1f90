/**
 * A bundle endpoint: serves the trust domain's bundle document over HTTPS to whoever asks (SPIFFE Federation section 5.2).
 * A bundle is public, so no client is authenticated; the two profiles differ in how a client authenticates the server.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer, type Server, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { toPem } from '@countersign/spiffe-tls';
import type { IssuedSvid } from './certificate-authority.ts';
import { DevTrustDomainError } from './errors.ts';
import type { JwtKey } from './jwt-authority.ts';
import { DISCOVERY_PATH, KEYS_PATH, toDiscoveryDocument, toOidcKeys } from './oidc-discovery.ts';
import type { Settings } from './options.ts';

/** Where a bundle endpoint listens. */
interface ListenOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: any that is free. */
  readonly port?: number;
}

/** Clients authenticate the server by its SPIFFE ID and the bundle that they know. */
export interface SpiffeBundleEndpointOptions extends ListenOptions {
  readonly profile: 'https_spiffe';
}

/** Clients authenticate the server by its name and the CAs of the web. */
export interface WebBundleEndpointOptions extends ListenOptions {
  readonly profile: 'https_web';
  /** Chain, leaf first. */
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** A bundle endpoint to serve. */
export type BundleEndpointOptions = SpiffeBundleEndpointOptions | WebBundleEndpointOptions;

/** A bundle endpoint that listens. What a client has to be told are all of these and the trust domain. */
export interface BundleEndpointStatus {
  readonly profile: 'https_web' | 'https_spiffe';
  readonly url: string;
  /** With `https_spiffe`: the SPIFFE ID of the server. */
  readonly spiffeId?: string;
}

/** What the endpoints of a trust domain need of it. */
export interface BundleEndpointsContext {
  readonly settings: Pick<Settings, 'clock' | 'svidTtlMs' | 'rotateAtFraction' | 'trustDomain' | 'jwtIssuer' | 'log'>;
  document(): string;
  /** The keys of JWT-SVIDs, for OIDC discovery. */
  jwtKeys(): readonly JwtKey[];
  /** The SVID of the endpoint. */
  issue(spiffeId: string): Promise<IssuedSvid>;
}

/** Mozilla's intermediate profile, in which federation's servers are to be configured (section 5.2). */
const TLS_INTERMEDIATE: ServerOptions = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  maxHeaderSize: 8 * 1024,
};

/** The bundle endpoints of one trust domain. */
export class BundleEndpoints {
  readonly #context: BundleEndpointsContext;
  readonly #listening: { readonly server: Server; readonly status: BundleEndpointStatus }[] = [];
  #cancelRenewal = () => {};
  #closed = false;

  constructor(context: BundleEndpointsContext) {
    this.#context = context;
  }

  get status(): BundleEndpointStatus[] {
    return this.#listening.map(({ status }) => status);
  }

  /** @throws {DevTrustDomainError} `CONFIGURATION` for a certificate of no use, `SOCKET` for a port that is taken. */
  async open(options: BundleEndpointOptions): Promise<void> {
    const server = this.#createServer(await this.#credentialsOf(options), this.#documentsOf(options));
    const { host = '127.0.0.1', port = 0 } = options;
    const address = await listen(server, host, port);
    const url = `https://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}/`;
    const spiffeId = options.profile === 'https_spiffe' ? { spiffeId: this.#spiffeId } : {};
    this.#listening.push({ server, status: { profile: options.profile, url, ...spiffeId } });
    this.#scheduleRenewal();
  }

  /** New SVIDs, for new connections: after a rotation of the CA, and before the old ones expire. */
  async renew(): Promise<void> {
    for (const { server, status } of this.#listening) {
      if (status.profile === 'https_spiffe') server.setSecureContext(await this.#spiffeCredentials());
    }
    this.#scheduleRenewal();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRenewal();
    await Promise.all(
      this.#listening.map(
        ({ server }) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  }

  #createServer(credentials: ServerOptions, documents: Documents): Server {
    try {
      return createServer({ ...TLS_INTERMEDIATE, ...credentials }, serve(documents));
    } catch (cause) {
      throw new DevTrustDomainError(
        'CONFIGURATION',
        'bundle endpoint: certificate and key must be PEM and match',
        cause,
      );
    }
  }

  /** SPIFFE: ordinary OIDC verifiers trust the web's authorities, so discovery is where those vouch for the endpoint. */
  #documentsOf({ profile }: BundleEndpointOptions): Documents {
    const { document, jwtKeys, settings } = this.#context;
    const { jwtIssuer: issuer } = settings;
    const bundle: Documents = new Map([['/', document]]);
    if (profile === 'https_spiffe' || issuer === undefined) return bundle;
    return new Map([
      ...bundle,
      [DISCOVERY_PATH, () => toDiscoveryDocument(issuer)],
      [KEYS_PATH, () => toOidcKeys(jwtKeys())],
    ]);
  }

  get #spiffeId(): string {
    return `${this.#context.settings.trustDomain.id}/bundle-endpoint`;
  }

  #credentialsOf(options: BundleEndpointOptions): Promise<ServerOptions> | ServerOptions {
    if (options.profile === 'https_spiffe') return this.#spiffeCredentials();
    return { cert: options.certificatePem, key: options.keyPem };
  }

  async #spiffeCredentials(): Promise<{ cert: string; key: string }> {
    const { chain, keyDer } = await this.#context.issue(this.#spiffeId);
    return {
      cert: chain.map((der) => toPem('CERTIFICATE', der)).join(''),
      key: toPem('PRIVATE KEY', keyDer),
    };
  }

  #scheduleRenewal(): void {
    const { clock, svidTtlMs, rotateAtFraction, log } = this.#context.settings;
    this.#cancelRenewal();
    if (this.#closed || !this.#listening.some(({ status }) => status.profile === 'https_spiffe')) return;
    this.#cancelRenewal = clock.schedule(svidTtlMs * rotateAtFraction, () => {
      this.renew().catch((cause: unknown) => log({ event: 'bundle-endpoint-renewal-failed', error: String(cause) }));
    });
  }
}

/** What is served, by path. */
type Documents = ReadonlyMap<string, () => string>;

function serve(documents: Documents): RequestListener {
  return (request, response) => {
    const document = documents.get(request.url ?? '');
    const status = document === undefined ? 404 : 405;
    if (document === undefined || !isRead(request)) {
      response.writeHead(status, { connection: 'close', ...(status === 405 ? { allow: 'GET, HEAD' } : {}) }).end();
      return;
    }
    const body = Buffer.from(document());
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length };
    response.writeHead(200, { ...headers, 'cache-control': 'no-store' }).end(body);
  };
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new DevTrustDomainError('SOCKET', `bundle endpoint: can't listen on ${host}: ${cause.message}`, cause)),
    );
    server.listen(port, host, () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address);
    });
  });
}
