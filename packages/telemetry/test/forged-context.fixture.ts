/**
 * A process for the tests: one HTTP and one gRPC server in a process whose telemetry runs. It sends each of them one request
 * with the headers that it is given (JSON in its third argument, each name with its list of values).
 */
import { createServer, request } from 'node:http';
import { Client, credentials, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import {
  createGrpcCallLog,
  createHttpCallLog,
  createLogger,
  currentCallFields,
  recordChain,
  startTelemetry,
} from '../src/index.ts';

const [, , env = '{}', headers = '{}', knows = 'peer'] = process.argv;
const self = { id: 'spiffe://example.org/self', serial: '0A' };
const peer = knows === 'peer' ? { id: 'spiffe://example.org/peer', serial: '0B' } : undefined;
const sent: Record<string, string[]> = JSON.parse(headers);
const logger = createLogger({ service: 'fixture', callFields: currentCallFields });
const identities = { self: () => self, peerOf: () => peer };
const telemetry = startTelemetry({
  serviceName: 'fixture',
  env: JSON.parse(env),
  logger,
  self: () => self,
  httpPeer: () => peer?.id,
});
const chain = { txn: 'T-1', origin: 'spiffe://example.org/origin', chain: ['spiffe://example.org/origin'] };

const callLog = createHttpCallLog({ logger, transport: 'https', ...identities });
const httpServer = createServer((incoming, response) =>
  callLog(incoming, response, () => {
    recordChain(chain);
    response.end('ok');
  }),
);
await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve));
const address = httpServer.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
await new Promise<void>((resolve, reject) => {
  const outgoing = request({ host: '127.0.0.1', port, path: '/', agent: false }, (answer) => {
    answer.resume().once('end', resolve);
  });
  for (const [name, values] of Object.entries(sent)) outgoing.setHeader(name, values);
  outgoing.once('error', reject).end();
});
httpServer.close();

const same = (bytes: Buffer) => bytes;
const path = '/example.v1.Service/Call';
const grpcServer = new Server({ interceptors: [createGrpcCallLog({ logger, ...identities })] });
const serializers = {
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};
grpcServer.addService(
  { call: { path, requestStream: false, responseStream: false, ...serializers } },
  {
    call: ({ request: bytes }: { request: Buffer }, done: (error: null, bytes: Buffer) => void) => {
      recordChain(chain);
      done(null, bytes);
    },
  },
);
const grpcPort = await new Promise<number>((resolve, reject) =>
  grpcServer.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);
const metadata = new Metadata();
for (const [name, values] of Object.entries(sent)) for (const value of values) metadata.add(name, value);
const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
await new Promise<void>((resolve, reject) =>
  client.makeUnaryRequest(path, same, same, Buffer.from('x'), metadata, (error) => (error ? reject(error) : resolve())),
);
client.close();
grpcServer.forceShutdown();
await telemetry.shutdown();
