/**
 * Bundle endpoints on real TLS that answer whatever a test wants. They do not use this library. Only tests import it.
 */
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import type { IssuedSvid } from '@countersign/testkit';
import { portOf } from './https-fixture.ts';

/** An endpoint that listens until the test ends. */
export interface TestEndpoint {
  /** By name, which the web profile needs; the SPIFFE profile does not look at it. */
  readonly url: string;
  /** Paths asked for so far: only requests that were really sent. */
  readonly requests: string[];
  respond: RequestListener;
  /** Presents another certificate from now on. */
  present(issued: IssuedSvid): void;
}

/** Starts one that presents `issued` and answers with `respond`. */
export async function startEndpoint(
  t: TestContext,
  issued: IssuedSvid,
  respond: RequestListener,
  options: ServerOptions = {},
): Promise<TestEndpoint> {
  const sockets = new Set<Duplex>();
  const requests: string[] = [];
  const server = createServer({ cert: issued.certificatePem, key: issued.keyPem, ...options }, (request, response) => {
    requests.push(request.url ?? '');
    endpoint.respond(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  const endpoint: TestEndpoint = {
    url: `https://localhost:${portOf(server)}/`,
    requests,
    respond,
    present: (next) => server.setSecureContext({ cert: next.certificatePem, key: next.keyPem }),
  };
  return endpoint;
}

/** Answers with a document. */
export function serving(document: string | Uint8Array): RequestListener {
  return (_, response) => answer(response, 200, { 'content-type': 'application/json' }, document);
}

/** Ends a response with all of its parts. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = '',
): void {
  response.writeHead(status, headers).end(body);
}
