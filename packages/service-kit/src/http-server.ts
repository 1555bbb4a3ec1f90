/** Listening and closing of Node's HTTP servers, as promises. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from './setting-types.ts';

/** What is used of `http.Server` and `https.Server`. */
export type HttpServer = Pick<
  Server,
  'listen' | 'close' | 'address' | 'closeIdleConnections' | 'closeAllConnections' | 'once' | 'on' | 'off' | 'emit'
>;

/** Listens and gives the address with the real port. Rejects when it can't, naming the address. */
export async function listenHttp(server: HttpServer, { host, port }: Address): Promise<Address> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.listen({ host, port });
  await listening;
  return { host, port: boundPort(server.address()) };
}

/** Takes no new connection, closes idle ones, and waits for requests in progress for `graceMs`; then cuts them off. */
export async function closeHttpServer(server: HttpServer, graceMs = 0): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cut);
}

function boundPort(address: AddressInfo | string | null): number {
  if (typeof address !== 'object' || address === null) throw new Error('http server: listens on no TCP port');
  return address.port;
}
