/**
 * A TLS server that does not use this library and notes every byte that it gets, for tests of what a client sends to a
 * server that it should refuse. Only tests import it.
 */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { createServer, type Server, type TlsOptions } from 'node:tls';
import type { IssuedSvid } from '@countersign/testkit';
import { portOf } from './https-fixture.ts';
import { listenOnLoopback } from './loopback-listener.ts';

/** A server that listens until the test ends. */
export interface ForeignServer {
  readonly server: Server;
  readonly port: number;
  /** Application bytes received so far, over all connections. */
  received(): string;
  /** Resolves when the next connection has ended. */
  nextClosed(): Promise<unknown>;
}

/** Starts one that presents `issued`. */
export async function startForeignServer(
  t: TestContext,
  issued: Pick<IssuedSvid, 'certificatePem' | 'keyPem'>,
  options: TlsOptions = {},
): Promise<ForeignServer> {
  let received = '';
  const server = createServer({ cert: issued.certificatePem, key: issued.keyPem, ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
  });
  await listenOnLoopback(t, server);
  return { server, port: portOf(server), received: () => received, nextClosed: () => once(server, 'ended') };
}
