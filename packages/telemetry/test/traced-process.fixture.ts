/**
 * A process for the tests: makes one HTTP call, one gRPC call that is answered, one that a guard refuses, and one attempt
 * at PostgreSQL, all within one trace. Everything is imported before telemetry starts, as named bindings where there are.
 */
import { createServer, request } from 'node:http';
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import pg from 'pg';
import { recordDecision } from '../src/call-record.ts';
import { createGrpcClientTracing } from '../src/grpc-client-calls.ts';
import { createGrpcCallLog } from '../src/grpc-server-calls.ts';
import { createHttpCallLog } from '../src/http-calls.ts';
import { createLogger, currentCallFields, startTelemetry } from '../src/index.ts';

const self = { id: 'spiffe://example.org/self', serial: '0A' };
const peer = { id: 'spiffe://example.org/peer', serial: '0B' };
const logger = createLogger({ service: 'fixture', callFields: currentCallFields });
const telemetry = startTelemetry({
  serviceName: 'fixture',
  env: JSON.parse(process.argv[2] ?? '{}'),
  logger,
  self: () => self,
  httpPeer: () => peer.id,
  databasePeerId: 'spiffe://example.org/postgres',
});

const buffers = {
  requestSerialize: (b: Buffer) => b,
  requestDeserialize: (b: Buffer) => b,
  responseSerialize: (b: Buffer) => b,
  responseDeserialize: (b: Buffer) => b,
};
const method = (path: string) => ({ path, requestStream: false as const, responseStream: false as const, ...buffers });
const refuseSome: ServerInterceptor = (definition, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          const allow = definition.path.endsWith('/Allowed');
          recordDecision({ allow, decisionId: 'd-1', rule: 'grant', operation: definition.path });
          if (allow) pass(metadata);
          else call.sendStatus({ code: status.PERMISSION_DENIED, details: 'no' });
        },
      }),
  });
const grpcServer = new Server({
  interceptors: [createGrpcCallLog({ logger, self: () => self, peerOf: () => peer }), refuseSome],
});
grpcServer.addService(
  { allowed: method('/example.v1.Service/Allowed'), refused: method('/example.v1.Service/Refused') },
  {
    allowed: (call: { request: Buffer }, done: (e: null, b: Buffer) => void) => done(null, call.request),
    refused: () => {},
  },
);
const grpcPort = await new Promise<number>((resolve, reject) =>
  grpcServer.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
    error ? reject(error) : resolve(port),
  ),
);
const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), {
  interceptors: [createGrpcClientTracing({ self: () => self, peerId: peer.id })],
});
const call = (name: string) =>
  new Promise<void>((resolve) => {
    const echo = (b: Buffer) => b;
    client.makeUnaryRequest(`/example.v1.Service/${name}`, echo, echo, Buffer.from('x'), () => resolve());
  });

const callLog = createHttpCallLog({ logger, transport: 'http', self: () => self, peerOf: () => peer });
const httpServer = createServer((incoming, response) => callLog(incoming, response, () => void serve(response)));
async function serve(response: { end(text: string): void }): Promise<void> {
  recordDecision({ allow: true, decisionId: 'd-2', rule: 'grant', operation: 'GET /orders/{id}' });
  await call('Allowed');
  await call('Refused');
  const database = new pg.Client({ host: '127.0.0.1', port: 1, user: 'u', database: 'd' });
  await database.connect().catch(() => {});
  const relayed = request({ host: '127.0.0.1', port: echoPort(), path: '/next' }, (answer) => {
    answer.resume().once('end', () => response.end('done'));
  });
  relayed.end();
}
const echoServer = createServer((_incoming, response) => response.end('ok'));
const echoPort = () => portOf(echoServer);
const portOf = (server: ReturnType<typeof createServer>) => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};
await new Promise<void>((resolve) => echoServer.listen(0, '127.0.0.1', resolve));
await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
await new Promise<void>((resolve, reject) => {
  const headers = { traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01' };
  const first = request(
    { host: '127.0.0.1', port: portOf(httpServer), path: '/orders/7', headers, agent: false },
    (answer) => {
      answer.resume().once('end', resolve);
    },
  );
  first.once('error', reject).end();
});
client.close();
grpcServer.forceShutdown();
for (const server of [httpServer, echoServer]) {
  server.close();
  server.closeAllConnections();
}
await telemetry.shutdown();
