/** A customer on a real socket, whose answers a test gives. */
import { createServer, type RequestListener } from 'node:http';
import { closeHttpServer, listenHttp } from '@countersign/service-kit';

/** A listening customer. */
export interface FakeCustomer extends AsyncDisposable {
  readonly url: URL;
  /** As when it is killed: every connection breaks, and no new one is taken. */
  kill(): Promise<void>;
}

/** @param port where a killed one listened */
export async function startFakeCustomer(answer: RequestListener, port = 0): Promise<FakeCustomer> {
  const server = createServer(answer);
  const address = await listenHttp(server, { host: '127.0.0.1', port });
  const kill = async () => {
    const closed = closeHttpServer(server);
    server.closeAllConnections();
    await closed;
  };
  return { url: new URL(`http://127.0.0.1:${address.port}`), kill, [Symbol.asyncDispose]: kill };
}
