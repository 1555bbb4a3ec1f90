/**
 * A service with a method of each gRPC kind, in the frame and behind the guard of the real ones: their contracts have no
 * client streaming and no bidirectional method, and the guard has to hold there, too.
 */
import { createGrpcGuard } from '@countersign/authz';
import {
  decisionLogSettings,
  formatAddress,
  parseListenAddress,
  partyOf,
  policySettings,
  type RunningService,
  runService,
  SERVER_OPTIONS,
  type ServiceContext,
  startPolicy,
} from '@countersign/service-kit';
import { createSpiffeGrpcServer, peerOf } from '@countersign/spiffe-tls';
import { createGrpcCallLog } from '@countersign/telemetry';
import {
  type MethodDefinition,
  Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js';

const settings = {
  ...policySettings,
  ...decisionLogSettings,
  grpcAddress: {
    variable: 'GRPC_ADDRESS',
    describes: 'where gRPC is served, mutual TLS',
    fallback: '127.0.0.1:0',
    parse: parseListenAddress,
  },
} as const;

/** Messages are bytes, and an answer is the SPIFFE ID of the caller. */
type Bytes = Buffer;

const asIs = (bytes: Bytes): Bytes => bytes;

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Bytes, Bytes> {
  const serialization = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  return { path: `/test.Echo/${name}`, requestStream, responseStream, ...serialization };
}

const methods = {
  unary: method('Unary', false, false),
  clientStream: method('ClientStream', true, false),
  serverStream: method('ServerStream', false, true),
  bidi: method('Bidi', true, true),
};

const caller = (call: Parameters<typeof peerOf>[0]): Bytes => Buffer.from(peerOf(call)?.id.toString() ?? 'nobody');

const handlers = {
  unary: (call: ServerUnaryCall<Bytes, Bytes>, done: sendUnaryData<Bytes>) => done(null, caller(call)),
  clientStream: (call: ServerReadableStream<Bytes, Bytes>, done: sendUnaryData<Bytes>) => {
    call.on('data', () => {}).on('end', () => done(null, caller(call)));
  },
  serverStream: (call: ServerWritableStream<Bytes, Bytes>) => {
    call.write(caller(call));
    call.end();
  },
  bidi: (call: ServerDuplexStream<Bytes, Bytes>) => {
    call.on('data', () => call.write(caller(call))).on('end', () => call.end());
  },
};

async function start(context: ServiceContext<typeof settings>): Promise<RunningService> {
  const { config, logger, self, source } = context;
  const policy = await startPolicy(context);
  const callLog = createGrpcCallLog({ logger, self, peerOf: partyOf });
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [callLog, createGrpcGuard(policy.guard)] });
  server.addService(methods, handlers);
  const listener = createSpiffeGrpcServer({ source, authorize: policy.authorize, server });
  const { port } = await listener.listen(config.grpcAddress.port, config.grpcAddress.host);
  return {
    addresses: { grpc: formatAddress({ host: config.grpcAddress.host, port }) },
    stop: async (graceMs) => {
      await listener.drain(graceMs);
      await policy.close();
    },
  };
}

await runService({ name: 'echo', settings, start }, process);
