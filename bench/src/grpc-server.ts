/**
 * The gRPC servers that are compared: one service behind grpc-js's own TLS, and behind ours with the guard.
 */
import { createGrpcGuard, createSpiffeAuthorizer } from '@countersign/authz';
import { HelloServiceService } from '@countersign/contracts';
import { createSpiffeGrpcServer } from '@countersign/spiffe-tls';
import { Server, ServerCredentials, type ServerOptions, type sendUnaryData } from '@grpc/grpc-js';
import { type Credentials, createSource } from './credentials.ts';
import { greetingFor } from './greeting.ts';
import type { TimedPolicy } from './policy.ts';

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
export async function listenCountersignGrpc(
  credentials: Credentials,
  { engine }: TimedPolicy,
  guarded: boolean,
): Promise<number> {
  const self = (): string => credentials.spiffeId;
  const server = createServer(credentials, guarded ? { interceptors: [createGrpcGuard({ engine, self })] } : {});
  const authorize = createSpiffeAuthorizer(engine, self);
  const listening = createSpiffeGrpcServer({ source: createSource(credentials), authorize, server });
  return (await listening.listen(0, '127.0.0.1')).port;
}

function createServer({ peerId }: Credentials, options: ServerOptions = {}): Server {
  const server = new Server(options);
  server.addService(HelloServiceService, {
    sayHello: (_call: unknown, done: sendUnaryData<{ message: string }>) =>
      done(null, { message: greetingFor(peerId) }),
  });
  return server;
}
