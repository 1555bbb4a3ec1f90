/**
 * CONTRAST: servers as they are often built, weaker than the system under test on purpose and named so. Each is a real
 * server on a real socket, so that what succeeds here is the same attack that fails there. Nothing of the system uses them.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { type ConnectionOptions, connect, createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { createTestCa, type TestCa } from '@countersign/testkit';

/** A server that listens. */
export interface ContrastServer extends AsyncDisposable {
  readonly address: string;
  /** Requests that got as far as an answer of 200. */
  readonly accepted: number;
  close(): Promise<void>;
}

/** The certificate of a contrast server, as everybody's clients trust it: by a host name, and a CA that many share. */
export interface WebIdentity {
  readonly ca: TestCa;
  readonly server: TlsOptions & { readonly cert: string; readonly key: string };
  readonly client: ConnectionOptions & { readonly ca: string };
}

const HOST = 'contrast.example';

/** A CA of its own, and a server's certificate of it. */
export async function createWebIdentity(): Promise<WebIdentity> {
  const ca = await createTestCa({ trustDomain: HOST });
  const { certificatePem, keyPem } = await ca.issue({ dnsNames: [HOST] });
  return {
    ca,
    server: { cert: certificatePem, key: keyPem, minVersion: 'TLSv1.3' },
    client: { ca: ca.pem, servername: HOST, minVersion: 'TLSv1.3' },
  };
}

/** CONTRAST: answers 200 to whom `admit` gives a name, 401 to everybody else. TLS is for the server's certificate alone, unless told more. */
export async function startContrastServer(
  tls: TlsOptions,
  admit: (request: IncomingMessage) => string | undefined,
): Promise<ContrastServer> {
  let accepted = 0;
  const server = createHttpsServer(tls, (request, response) => {
    const name = admitted(admit, request);
    if (name !== undefined) accepted += 1;
    response.writeHead(name === undefined ? 401 : 200, { 'content-type': 'text/plain', connection: 'close' });
    response.end(name === undefined ? 'who are you?' : `Hello ${name}`);
  });
  const address = await listen(server);
  const close = async () => {
    server.closeAllConnections();
    server.close();
    if (server.listening) await once(server, 'close');
  };
  return {
    address,
    get accepted() {
      return accepted;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function admitted(
  admit: (request: IncomingMessage) => string | undefined,
  request: IncomingMessage,
): string | undefined {
  try {
    return admit(request);
  } catch {
    return undefined;
  }
}

/** CONTRAST: a proxy that ends TLS before a service, as load balancers do. What passes through it lies open before it. */
export interface TerminatingProxy extends AsyncDisposable {
  readonly address: string;
  /** What clients sent, decrypted. */
  readonly seen: readonly Buffer[];
}

/** Starts one before a contrast server, with a certificate that the server's clients accept. */
export async function startTerminatingProxy(identity: WebIdentity, upstream: string): Promise<TerminatingProxy> {
  const seen: Buffer[] = [];
  const server = createTlsServer(identity.server, (client) => {
    const to = connect({ ...endpointOf(upstream), ...identity.client });
    client.on('data', (bytes: Buffer) => {
      seen.push(bytes);
      to.write(bytes);
    });
    to.on('data', (bytes: Buffer) => client.write(bytes));
    to.on('end', () => client.end());
    for (const [one, other] of [
      [client, to],
      [to, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  });
  const address = await listen(server);
  return {
    address,
    seen,
    async [Symbol.asyncDispose]() {
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** Sends bytes over a TLS connection of one's own, and gives the first line of what comes back, or how it ended. */
export function sendOverTls(address: string, options: ConnectionOptions, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const done = (fallback: string) => {
      socket.destroy();
      const [line = ''] = Buffer.concat(received).toString('latin1').split('\r\n');
      resolve(line === '' ? fallback : line);
    };
    const socket = connect({ ...endpointOf(address), ...options }, () => void socket.write(bytes));
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    socket.on('error', (error) => done(`connection ended: ${error.message.slice(0, 80)}`));
    socket.on('close', () => done('connection closed'));
    socket.setTimeout(5_000, () => done('no answer in time'));
  });
}

/** `host:port` as the options of a socket. */
export function endpointOf(address: string): { host: string; port: number } {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
