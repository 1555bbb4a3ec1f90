/**
 * The Workload API on one Unix socket. The socket says who calls (SPIFFE Workload Endpoint section 5): Node can't ask
 * the kernel for the caller's process, so each workload has a socket of its own, in a directory that only it can enter.
 */

import { isDeepStrictEqual } from 'node:util';
import {
  type SpiffeWorkloadAPIServer,
  SpiffeWorkloadAPIService,
  type X509BundlesResponse,
  type X509SVIDResponse,
} from '@countersign/spiffe-tls/workload-api-proto';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerWritableStream,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { DevTrustDomainError } from './errors.ts';
import type { SocketOwner } from './registration.ts';
import { guardSocket, prepareSocketPath } from './unix-socket.ts';
import type { Workload, WorkloadState } from './workload.ts';

/** What a server serves. */
export interface WorkloadApiServerOptions {
  readonly path: string;
  readonly owner?: SocketOwner;
  readonly workload: Workload;
  /** The SPIFFE ID of the trust domain: the key of its bundle. */
  readonly trustDomainId: string;
  /** Awaited before a stream's first message, so that a host that slept does not hand out what expired meanwhile. */
  readonly refresh: () => Promise<void>;
}

/** A listening server. */
export interface WorkloadApiServer {
  /** Ends what is open and removes the socket. */
  close(): Promise<void>;
}

/** Listens. @throws {DevTrustDomainError} `SOCKET`. */
export async function listenWorkloadApi(options: WorkloadApiServerOptions): Promise<WorkloadApiServer> {
  await prepareSocketPath(options.path);
  const server = new Server({ interceptors: [requireSecurityHeader], 'grpc.max_receive_message_length': 64 * 1024 });
  server.addService(SpiffeWorkloadAPIService, handlersOf(options));
  await bind(server, options.path);
  await guardSocket(options.path, options.owner);
  return { close: () => shutDown(server) };
}

function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (cause) => {
      if (cause === null) resolve();
      else reject(new DevTrustDomainError('SOCKET', `socket: can't listen on ${path}: ${cause.message}`, cause));
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
    fetchX509Bundles: streamOf(options, (state) => toX509BundlesResponse(state, options.trustDomainId)),
    // JWT-SVIDs come with a later change. Until then these three, like the WIT profile, say that they are not there, which
    // tells a client not to ask again (Workload Endpoint appendix A).
    fetchJwtsvid: unimplementedCall,
    fetchJwtBundles: unimplementedStream,
    validateJwtsvid: unimplementedCall,
    fetchWitsvid: unimplementedStream,
    fetchWitBundles: unimplementedStream,
  };
}

const UNIMPLEMENTED: Partial<StatusObject> = {
  code: status.UNIMPLEMENTED,
  details: 'not served by the development trust domain',
};

const unimplementedCall: handleUnaryCall<unknown, never> = (_call, respond) => respond(UNIMPLEMENTED);

const unimplementedStream: handleServerStreamingCall<unknown, never> = (call) => void call.emit('error', UNIMPLEMENTED);

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
      call.emit('error', state.type === 'closing' ? CLOSING : NOT_REGISTERED);
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

const NOT_REGISTERED: Partial<StatusObject> = { code: status.PERMISSION_DENIED, details: 'no identity issued' };
const CLOSING: Partial<StatusObject> = { code: status.UNAVAILABLE, details: 'the trust domain is stopping' };

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

function toX509SvidResponse({ identities, bundleDer }: RegisteredState): X509SVIDResponse {
  return {
    svids: identities.map(({ registration, svid }) => ({
      spiffeId: registration.spiffeId,
      x509Svid: Buffer.from(svid.certificateDer),
      x509SvidKey: Buffer.from(svid.keyDer),
      bundle: Buffer.from(bundleDer),
      hint: registration.hint ?? '',
    })),
    crl: [],
    federatedBundles: {},
  };
}

function toX509BundlesResponse({ bundleDer }: RegisteredState, trustDomainId: string): X509BundlesResponse {
  return { crl: [], bundles: { [trustDomainId]: Buffer.from(bundleDer) } };
}
