/**
 * The gRPC servers that are compared: one service behind grpc-js's own TLS, and behind ours, layer by layer.
 */
import { createGrpcGuard } from '@countersign/authz';
import { HelloServiceService } from '@countersign/contracts';
import { partyOf, selfOf } from '@countersign/service-kit';
import { createSpiffeGrpcServer } from '@countersign/spiffe-tls';
import { createGrpcCallLog } from '@countersign/telemetry';
import {
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServerOptions,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Credentials } from './credentials.ts';
import { greetingFor } from './greeting.ts';
import type { OurServer } from './our-server.ts';

/** grpc-js's own mutual TLS. It has no switch for session tickets, so it makes some, and its client never uses them. */
export function listenBareGrpc(credentials: Credentials): Promise<number> {
  const server = createServer(credentials);
  const pair = {
    cert_chain: Buffer.from(credentials.certificatePem),
    private_key: Buffer.from(credentials.privateKeyPem),
  };
  const tls = ServerCredentials.createSsl(Buffer.from(credentials.bundlePem), [pair], true);
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', tls, (error, port) => (error === null ? resolve(port) : reject(error)));
  });
}

/** Ours: the adapter and, unless it is measured alone, a decision on each call. */
export async function listenOurGrpc(
  credentials: Credentials,
  { source, authorize, guard, logger }: OurServer,
): Promise<number> {
  const interceptors: ServerInterceptor[] = [];
  if (logger !== undefined)
    interceptors.push(createGrpcCallLog({ logger, self: () => selfOf(source), peerOf: partyOf }));
  if (guard !== undefined) interceptors.push(createGrpcGuard(guard));
  const server = createServer(credentials, { interceptors });
  return (await createSpiffeGrpcServer({ source, authorize, server }).listen(0, '127.0.0.1')).port;
}

function createServer({ peerId }: Credentials, options: ServerOptions = {}): Server {
  const server = new Server(options);
  server.addService(HelloServiceService, {
    sayHello: (_call: unknown, done: sendUnaryData<{ message: string }>) =>
      done(null, { message: greetingFor(peerId) }),
  });
  return server;
}
