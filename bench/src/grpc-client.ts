/**
 * The gRPC clients that are compared: the same generated client over grpc-js's own channel and over ours.
 */
import { HelloServiceClient } from '@countersign/contracts';
import { credentials as grpcCredentials } from '@grpc/grpc-js';
import type { Caller, Target } from './caller.ts';
import type { Credentials } from './credentials.ts';
import { greetingFor } from './greeting.ts';

interface Client {
  readonly stub: HelloServiceClient;
  close(): void;
}

/** Opens a client with a connection of its own. Identity and credentials are made once, as a service would. */
export type ClientFactory = (port: number) => Client;

/** grpc-js's own mutual TLS. A pool for each channel, or a new channel would use an old one's connection. */
export function bareGrpcClients(credentials: Credentials): ClientFactory {
  const tls = grpcCredentials.createSsl(
    Buffer.from(credentials.bundlePem),
    Buffer.from(credentials.privateKeyPem),
    Buffer.from(credentials.certificatePem),
  );
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.ssl_target_name_override': credentials.peerDnsName };
  return (port) => {
    const stub = new HelloServiceClient(`127.0.0.1:${port}`, tls, options);
    return { stub, close: () => stub.close() };
  };
}

/** Repeats `SayHello`, with a client each if `newConnections`, else all through one. */
export function createGrpcCaller(open: ClientFactory, target: Target): Caller {
  const expected = greetingFor(target.selfId);
  const shared = target.newConnections ? undefined : open(target.port);
  return {
    async operation() {
      const client = shared ?? open(target.port);
      try {
        await sayHello(client.stub, expected);
      } finally {
        if (client !== shared) client.close();
      }
    },
    takeHandshakes: () => [],
    close: () => shared?.close(),
  };
}

function sayHello(stub: HelloServiceClient, expected: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stub.sayHello({}, (error, response) => {
      if (error !== null) reject(error);
      else if (response.message === expected) resolve();
      else reject(new Error(`SayHello must be answered as agreed, got ${JSON.stringify(response.message)}`));
    });
  });
}
