/**
 * The health port: `GET /healthz` says that the process lives, `GET /readyz` whether it should get traffic, with the
 * reasons if not. Plain HTTP, apart from every port that serves users; reasons are written for operators, without secrets.
 */
import { createServer, type RequestListener } from 'node:http';
import { closeHttpServer, listenHttp } from './http-server.ts';
import type { Readiness } from './readiness.ts';
import type { Address } from './setting-types.ts';

/** A listening health server. */
export interface HealthServer {
  /** Where it listens, with the real port. */
  readonly address: Address;
  close(): Promise<void>;
}

/** Starts to listen. */
export async function startHealthServer(address: Address, readiness: Readiness): Promise<HealthServer> {
  const server = createServer(
    { headersTimeout: 2_000, requestTimeout: 2_000, keepAliveTimeout: 1_000 },
    answer(readiness),
  );
  server.maxConnections = 64;
  const bound = await listenHttp(server, address);
  return { address: bound, close: () => closeHttpServer(server) };
}

function answer(readiness: Readiness): RequestListener {
  return (request, response) => {
    const reasons = readiness.reasons();
    const ready = Object.keys(reasons).length === 0;
    const send = (status: number, document: object) => {
      response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : JSON.stringify(document));
    };
    if (request.method !== 'GET' && request.method !== 'HEAD') send(405, { status: 'method not allowed' });
    else if (request.url === '/healthz') send(200, { status: 'alive' });
    else if (request.url === '/readyz')
      send(ready ? 200 : 503, ready ? { status: 'ready' } : { status: 'not ready', reasons });
    else send(404, { status: 'not found' });
  };
}
