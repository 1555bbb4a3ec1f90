/**
 * The Workload API on one Unix socket. The socket says who calls (SPIFFE Workload Endpoint section 5): Node can't ask
 * the kernel for the caller's process, so each workload has a socket of its own, in a directory that only it can enter.
 */

import { isDeepStrictEqual } from 'node:util';
import {
  type JWTBundlesResponse,
  type SpiffeWorkloadAPIServer,
  SpiffeWorkloadAPIService,
  type X509BundlesResponse,
  type X509SVIDResponse,
} from '@countersign/spiffe-tls/workload-api-proto';
import {
  type handleServerStreamingCall,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import { withRawMessages } from './call-interceptor.ts';
import { DevTrustDomainError } from './errors.ts';
import { CLOSING, fetchJwtSvidOf, type JwtHandlersOptions, statusOf, validateJwtSvidOf } from './jwt-handlers.ts';
import { addReflection } from './reflection.ts';
import type { SocketOwner } from './registration.ts';
import { type TcpListener, targetOf } from './tcp-listener.ts';
import { type TrustBundle, toBundleDer, toJwksDocument } from './trust-bundle.ts';
import { guardSocket, prepareSocketPath } from './unix-socket.ts';
import type { WorkloadState } from './workload.ts';

/** What a server serves. */
export interface WorkloadApiServerOptions extends JwtHandlersOptions {
  readonly path: string;
  readonly owner?: SocketOwner;
  /** Listens there too. */
  readonly tcp?: TcpListener;
  /** Awaited before a stream's first message, so that a host that slept does not hand out what expired meanwhile. */
  readonly refresh: () => Promise<void>;
  /** Notes calls and lets faults happen to them; see `createCallInterceptor`. */
  readonly interceptor: ServerInterceptor;
}

/** A listening server. */
export interface WorkloadApiServer {
  /** The port that it listens on besides its socket. */
  readonly tcpPort: number | undefined;
  /** Ends what is open and removes the socket. */
  close(): Promise<void>;
}

/** Listens. @throws {DevTrustDomainError} `SOCKET`. */
export async function listenWorkloadApi(options: WorkloadApiServerOptions): Promise<WorkloadApiServer> {
  await prepareSocketPath(options.path);
  const server = new Server({
    interceptors: [options.interceptor, requireSecurityHeader],
    'grpc.max_receive_message_length': 64 * 1024,
  });
  server.addService(withRawMessages(SpiffeWorkloadAPIService), handlersOf(options));
  addReflection(server);
  try {
    await bind(server, `unix:${options.path}`);
    await guardSocket(options.path, options.owner);
    const tcpPort = options.tcp === undefined ? undefined : await bind(server, targetOf(options.tcp));
    return { tcpPort, close: () => shutDown(server) };
  } catch (cause) {
    server.forceShutdown();
    throw cause;
  }
}

/** Returns the port, where there is one. */
function bind(server: Server, target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Plain, over TCP too: a workload has nothing yet to verify TLS with (SPIFFE Workload Endpoint section 3).
    server.bindAsync(target, ServerCredentials.createInsecure(), (cause, port) => {
      if (cause === null) resolve(port);
      else reject(new DevTrustDomainError('SOCKET', `socket: can't listen on ${target}: ${cause.message}`, cause));
    });
  });
}

/** Streams have been told `closing` by now; whoever has not hung up after that is cut off. */
function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => {
      server.forceShutdown();
      // The graceful shutdown's callback waits for ever for a client that does not read, a stopped process say.
      resolve();
    }, 500);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}

/**
 * SPIFFE: without the metadata `workload.spiffe.io: true` a call is refused, whatever it asks for (Workload Endpoint
 * section 3). It keeps a request that something was tricked into sending from being answered with a key.
 */
const requireSecurityHeader: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start(next) {
      next({
        onReceiveMetadata(metadata, pass) {
          const values = metadata.get('workload.spiffe.io');
          if (values.length === 1 && values[0] === 'true') pass(metadata);
          else call.sendStatus({ code: status.INVALID_ARGUMENT, details: 'security header missing from request' });
        },
      });
    },
  });

function handlersOf(options: WorkloadApiServerOptions): SpiffeWorkloadAPIServer {
  return {
    fetchX509Svid: streamOf(options, toX509SvidResponse),
    fetchX509Bundles: streamOf(options, toX509BundlesResponse),
    fetchJwtsvid: fetchJwtSvidOf(options),
    fetchJwtBundles: streamOf(options, toJwtBundlesResponse),
    validateJwtsvid: validateJwtSvidOf(options),
    fetchWitsvid: unimplementedStream,
    fetchWitBundles: unimplementedStream,
  };
}

/** The WIT profile is not there, which tells a client not to ask again (Workload Endpoint appendix A). */
const unimplementedStream: handleServerStreamingCall<unknown, never> = (call) =>
  void call.emit('error', { code: status.UNIMPLEMENTED, details: 'not served by the development trust domain' });

type RegisteredState = Extract<WorkloadState, { type: 'registered' }>;

/** A stream that sends the complete state at once and after each change, and ends when there is no identity (any more). */
function streamOf<Response>(
  { workload, refresh }: WorkloadApiServerOptions,
  toResponse: (state: RegisteredState) => Response,
): handleServerStreamingCall<unknown, Response> {
  return (call) => {
    let stop = () => {};
    let last: Response | undefined;
    const pass = async (state: WorkloadState) => {
      if (state.type === 'registered') {
        const response = toResponse(state);
        // A rotated SVID is no news for whoever watches bundles.
        if (last !== undefined && isDeepStrictEqual(last, response)) return;
        last = response;
        return write(call, response);
      }
      stop();
      call.emit('error', statusOf(state));
    };
    call.once('close', () => stop());
    call.once('cancelled', () => stop());
    refresh().then(
      () => {
        if (call.cancelled) return;
        stop = workload.watch(pass);
        // The present state may have ended the stream before `stop` was known.
        if (workload.state.type !== 'registered') stop();
      },
      () => call.emit('error', CLOSING),
    );
  };
}

/** Settles when the message is on its way or nobody is left to take it. */
function write<Response>(call: ServerWritableStream<unknown, Response>, response: Response): Promise<void> {
  return new Promise((resolve) => {
    call.once('cancelled', resolve);
    call.write(response, () => {
      call.off('cancelled', resolve);
      resolve();
    });
  });
}

function toX509SvidResponse({ identities, bundles: [own, ...federated] }: RegisteredState): X509SVIDResponse {
  const bundle = toBundleDer(own);
  return {
    svids: identities.map(({ registration, svid }) => ({
      spiffeId: registration.spiffeId,
      x509Svid: Buffer.concat(svid.chain),
      x509SvidKey: Buffer.from(svid.keyDer),
      bundle,
      hint: registration.hint ?? '',
    })),
    crl: [],
    federatedBundles: byTrustDomain(federated, toBundleDer),
  };
}

function toX509BundlesResponse({ bundles }: RegisteredState): X509BundlesResponse {
  return { crl: [], bundles: byTrustDomain(bundles, toBundleDer) };
}

function toJwtBundlesResponse({ bundles }: RegisteredState): JWTBundlesResponse {
  return { bundles: byTrustDomain(bundles, toJwksDocument) };
}

function byTrustDomain(
  bundles: readonly TrustBundle[],
  encode: (bundle: TrustBundle) => Buffer,
): Record<string, Buffer> {
  return Object.fromEntries(bundles.map((bundle) => [bundle.trustDomainId, encode(bundle)]));
}
