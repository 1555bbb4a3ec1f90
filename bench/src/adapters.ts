/**
 * Servers and clients of ours on one source, each pair with an open connection: all that a rotation has to reach.
 */
import { type RequestOptions, request } from 'node:https';
import { HelloServiceClient, HelloServiceService } from '@countersign/contracts';
import {
  authorizeId,
  createSpiffeGrpcChannel,
  createSpiffeGrpcServer,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  type X509Source,
} from '@countersign/spiffe-tls';
import { credentials, Server, type sendUnaryData } from '@grpc/grpc-js';
import { listen } from './listen.ts';

/** What is open. */
export interface Adapters {
  /** Makes one more request over each transport, then closes all. */
  close(): Promise<void>;
}

export async function openAdapters(source: X509Source): Promise<Adapters> {
  const options = { source, authorize: authorizeId(source.current().svid.id) };
  const https = createSpiffeHttpsServer(options, (_request, response) => response.end('ok'));
  const port = await listen(https);
  const agent = createSpiffeHttpsAgent(options);

  const server = new Server();
  server.addService(HelloServiceService, {
    sayHello: (_call: unknown, done: sendUnaryData<{ message: string }>) => done(null, { message: 'ok' }),
  });
  const grpc = createSpiffeGrpcServer({ ...options, server });
  const address = `127.0.0.1:${(await grpc.listen(0, '127.0.0.1')).port}`;
  const channelOverride = createSpiffeGrpcChannel({ ...options, address });
  const stub = new HelloServiceClient(address, credentials.createInsecure(), { channelOverride });

  const callBoth = async (): Promise<void> => {
    await get({ agent, host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => {
      stub.sayHello({}, (error) => (error === null ? resolve() : reject(error)));
    });
  };
  await callBoth();
  return {
    async close() {
      await callBoth();
      channelOverride.close();
      agent.destroy();
      await grpc.close();
      https.close();
      https.closeAllConnections();
    },
  };
}

function get(options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => response.on('end', resolve).resume());
    outgoing.on('error', reject);
    outgoing.end();
  });
}
