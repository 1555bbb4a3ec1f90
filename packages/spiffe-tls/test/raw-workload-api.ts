/**
 * A Workload API on a real socket whose messages are whatever bytes a test wants, valid protobuf or not. Only tests import it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';

/**
 * Answers `FetchX509SVID` with the messages in order, each once: when a client ends a stream over one, its next call gets
 * the ones after. Returns the address.
 */
export async function startRawWorkloadApi(t: TestContext, messages: readonly Uint8Array[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'raw-'));
  const server = new Server({ 'grpc.max_send_message_length': 64 * 1024 * 1024 });
  const rest = [...messages];
  const serve = (stream: ServerWritableStream<Buffer, Uint8Array>): void => {
    const next = (): void => {
      const message = stream.cancelled ? undefined : rest.shift();
      // One after the other, so that a client which gives up over one does not lose those behind it.
      if (message !== undefined) stream.write(message, () => setImmediate(next));
    };
    stream.on('error', () => {});
    next();
  };
  server.addService(
    {
      fetchX509Svid: {
        path: '/SpiffeWorkloadAPI/FetchX509SVID',
        requestStream: false,
        responseStream: true,
        requestSerialize: Buffer.from,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    { fetchX509Svid: serve },
  );
  const socket = join(folder, 'api.sock');
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (cause) =>
      cause === null ? resolve() : reject(cause),
    );
  });
  t.after(async () => {
    server.forceShutdown();
    await rm(folder, { recursive: true, force: true });
  });
  return `unix://${socket}`;
}
