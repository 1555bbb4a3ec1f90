/**
 * A gRPC service with a method of each kind, its server and its clients, for tests. Messages are JSON. Only tests import it.
 */
import type { TestContext } from 'node:test';
import {
  type CallOptions,
  Client,
  type ClientReadableStream,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  type ServerInterceptor,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { createSpiffeGrpcChannel, type SpiffeGrpcChannel, type SpiffeGrpcChannelOptions } from '../src/grpc-channel.ts';
import { createSpiffeGrpcServer, type SpiffeGrpcServer, type SpiffeGrpcServerOptions } from '../src/grpc-server.ts';

/** What every method takes and gives. */
export type Message = { readonly text: string };

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Message, Message> {
  const serialize = (message: Message) => Buffer.from(JSON.stringify(message));
  const deserialize = (bytes: Buffer): Message => {
    const parsed: unknown = JSON.parse(bytes.toString());
    return { text: typeof parsed === 'object' && parsed !== null && 'text' in parsed ? String(parsed.text) : '' };
  };
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

/** The service's methods, one of each kind. */
export const methods = {
  unary: method('Unary', false, false),
  clientStream: method('ClientStream', true, false),
  serverStream: method('ServerStream', false, true),
  bidi: method('Bidi', true, true),
};

/** What answers. */
export interface EchoHandlers {
  readonly unary?: handleUnaryCall<Message, Message>;
  readonly clientStream?: handleClientStreamingCall<Message, Message>;
  readonly serverStream?: handleServerStreamingCall<Message, Message>;
  readonly bidi?: handleBidiStreamingCall<Message, Message>;
}

/** A server that listens until the test ends. */
export interface RunningGrpc {
  readonly spiffe: SpiffeGrpcServer;
  readonly port: number;
}

/** Starts a server on a free port. */
export async function startGrpc(
  t: TestContext,
  options: Omit<SpiffeGrpcServerOptions, 'server'>,
  handlers: EchoHandlers,
  interceptors: ServerInterceptor[] = [],
  host?: string,
): Promise<RunningGrpc> {
  const server = new Server({ interceptors });
  const unimplemented = (): never => assertUnreached();
  server.addService(methods, {
    unary: handlers.unary ?? unimplemented,
    clientStream: handlers.clientStream ?? unimplemented,
    serverStream: handlers.serverStream ?? unimplemented,
    bidi: handlers.bidi ?? unimplemented,
  });
  const spiffe = createSpiffeGrpcServer({ ...options, server });
  const { port } = await spiffe.listen(0, host);
  t.after(() => spiffe.close());
  return { spiffe, port };
}

function assertUnreached(): never {
  throw new Error('this handler must not be reached');
}

/** A channel that is closed when the test ends. */
export function createChannel(
  t: TestContext,
  options: Omit<SpiffeGrpcChannelOptions, 'address'> & { readonly address?: string },
  port: number,
): SpiffeGrpcChannel {
  const channel = createSpiffeGrpcChannel({ address: `127.0.0.1:${port}`, ...options });
  t.after(() => channel.close());
  return channel;
}

/** How a stream ends; its `error` event, if there is one, is part of that. */
export function endOf(stream: ClientReadableStream<Message>): Promise<StatusObject> {
  stream.on('error', () => {});
  return new Promise((resolve) => stream.once('status', resolve));
}

/** Calls of each kind over one channel. */
export class EchoClient extends Client {
  constructor(channel: SpiffeGrpcChannel) {
    super('echo', credentials.createInsecure(), { channelOverride: channel });
  }

  unary(text = '', options: CallOptions = {}): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = methods.unary;
    return new Promise((resolve, reject) => {
      this.makeUnaryRequest(path, requestSerialize, responseDeserialize, { text }, options, answer(resolve, reject));
    });
  }

  clientStream(...texts: string[]): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = methods.clientStream;
    return new Promise((resolve, reject) => {
      const call = this.makeClientStreamRequest(path, requestSerialize, responseDeserialize, answer(resolve, reject));
      for (const text of texts) call.write({ text });
      call.end();
    });
  }

  serverStream(text = '') {
    const { path, requestSerialize, responseDeserialize } = methods.serverStream;
    return this.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { text });
  }

  bidi() {
    const { path, requestSerialize, responseDeserialize } = methods.bidi;
    return this.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }
}

function answer(resolve: (text: string) => void, reject: (error: ServiceError) => void) {
  return (error: ServiceError | null, message?: Message) => {
    if (error === null) resolve(message?.text ?? '');
    else reject(error);
  };
}
