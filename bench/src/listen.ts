/** Listens on a free port of loopback and gives it. */
import { once } from 'node:events';
import type { Server } from 'node:net';

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('bench: a TCP address was expected');
  return address.port;
}
