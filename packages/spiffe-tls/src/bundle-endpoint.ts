/**
 * The other side of federation: an endpoint from which foreign trust domains fetch our bundle (Federation 5).
 */
import { constants } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { marshalBundleDocument, type SpiffeBundle } from './bundle-document.ts';
import { HANDSHAKE_TIMEOUT_MS, secureContextOptions } from './tls-options.ts';
import type { X509Source } from './x509-source.ts';
import type { X509Svid } from './x509-svid.ts';

/**
 * A request listener that answers each GET with the bundle of the moment. It asks for no client certificate and looks at no
 * path: what it serves is public. For `https_web` put it behind a server with a certificate of the web's authorities.
 * While there is no bundle, which is when `bundle` throws, it answers 503.
 * @example
 * https.createServer({ cert, key }, createBundleEndpointHandler(() => bundle)).listen(443);
 */
export function createBundleEndpointHandler(bundle: () => SpiffeBundle): RequestListener {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    serve(request, response, bundle);
  };
}

function serve(request: IncomingMessage, response: ServerResponse, bundle: () => SpiffeBundle): void {
  let document: string;
  try {
    document = marshalBundleDocument(bundle());
  } catch {
    response.writeHead(503).end();
    return;
  }
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(document) };
  response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : document);
}

/** Options of {@link createBundleEndpointServer}. */
export interface BundleEndpointServerOptions {
  /** The endpoint's own identity: its SPIFFE ID is what others configure as `endpointId`. Changes take effect live. */
  readonly source: X509Source;
  /** What to serve; asked at each request. */
  readonly bundle: () => SpiffeBundle;
  /** Open connections at most; further ones are dropped at once. Default 256. */
  readonly maxConnections?: number;
}

/**
 * Creates an endpoint of the `https_spiffe` profile. It presents the source's SVID, asks no client for one, and takes TLS 1.2
 * as well, as other implementations expect of what is public. `listen` and `close` are Node's own.
 */
export function createBundleEndpointServer(options: BundleEndpointServerOptions): Server {
  const { source, bundle, maxConnections = 256 } = options;
  const server = createServer(
    {
      ...contextOf(currentSvid(source)),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: 10_000,
      requestTimeout: 10_000,
    },
    createBundleEndpointHandler(bundle),
  );
  server.maxConnections = maxConnections;
  followSource(server, source);
  return server;
}

/** A server follows the source while it listens. */
function followSource(server: Server, source: X509Source): void {
  let stop = () => {};
  server.on('listening', () => {
    server.setSecureContext(contextOf(currentSvid(source)));
    stop = source.subscribe((event) => {
      if (event.type === 'update' && event.changed.svid) server.setSecureContext(contextOf(event.context.svid));
      if (event.type === 'withdrawn') server.setSecureContext(contextOf(undefined));
    });
  });
  server.on('close', () => stop());
}

function contextOf(svid: X509Svid | undefined) {
  return {
    ...secureContextOptions(svid),
    minVersion: 'TLSv1.2' as const,
    // TLS 1.2 lets a client ask for one handshake after another in a connection, each of them work for the server alone.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

function currentSvid(source: X509Source): X509Svid | undefined {
  try {
    return source.current().svid;
  } catch {
    return undefined;
  }
}
