/**
 * The attacker on the wire: a TCP relay that keeps every byte of both directions, can put bytes of its own into a
 * connection, and can lead new connections somewhere else. It knows nothing of TLS.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** One connection as the relay saw it. */
export interface Capture {
  readonly startedAt: Date;
  /** What the client sent and what it was answered, in the order of the wire. */
  readonly toServer: Buffer[];
  readonly toClient: Buffer[];
  /** Sends bytes to the server in this very connection, as if the client had. */
  inject(bytes: Uint8Array): void;
  /** Port of the relay's own end towards the server: the server's log names it. */
  readonly serverSidePort: Promise<number>;
  /** Resolves when either side closed. */
  readonly closed: Promise<void>;
}

/** A relay that listens. */
export interface Relay {
  /** `host:port` */
  readonly address: string;
  /** Where new connections are led from now on. */
  leadTo(address: string): void;
  /** Keeps the bytes of connections that are made from now on; ends those that are open, so that a new one is made. */
  record(): readonly Capture[];
  /** Keeps no more bytes. */
  stopRecording(): void;
  close(): Promise<void>;
}

/** Listens on a port of its own. Connections that come before {@link Relay.leadTo} wait for it. */
export async function startRelay(): Promise<Relay> {
  const first = Promise.withResolvers<string>();
  let target: Promise<string> = first.promise;
  let captures: Capture[] | undefined;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    // A peer that is gone before there was a target is no fault of the relay's.
    client.on('error', () => client.destroy());
    const keep = captures;
    void target.then((address) => {
      const capture = couple(client, address);
      keep?.push(capture);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo(address) {
      first.resolve(address);
      target = Promise.resolve(address);
      cut();
    },
    record() {
      captures = [];
      cut();
      return captures;
    },
    stopRecording() {
      captures = undefined;
    },
    async close() {
      server.close();
      cut();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** Not by `events.once`: that rejects when the connection is reset, and nobody may be waiting. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function couple(client: Socket, address: string): Capture {
  const [host = '', port = ''] = address.split(':');
  const server = connect(Number(port), host);
  const connected = once(server, 'connect').then(() => server.localPort ?? 0);
  connected.catch(() => {});
  const closed = Promise.race([closeOf(client), closeOf(server)]);
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  client.on('data', (bytes: Buffer) => {
    toServer.push(bytes);
    server.write(bytes);
  });
  server.on('data', (bytes: Buffer) => {
    toClient.push(bytes);
    client.write(bytes);
  });
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => to.destroy());
  }
  return {
    startedAt: new Date(),
    toServer,
    toClient,
    inject: (bytes) => void server.write(bytes),
    serverSidePort: connected,
    closed,
  };
}

/** A TLS record as its header says it is: all that somebody without keys can tell. */
export interface TlsRecord {
  /** 22 handshake in the clear, 20 change cipher spec, 23 encrypted. */
  readonly type: number;
  readonly bytes: Buffer;
}

/** Cuts captured bytes into TLS records; a last one that is cut short is left out. */
export function tlsRecordsOf(chunks: readonly Buffer[]): TlsRecord[] {
  const all = Buffer.concat(chunks);
  const records: TlsRecord[] = [];
  let at = 0;
  while (at + 5 <= all.length) {
    const end = at + 5 + all.readUInt16BE(at + 3);
    if (end > all.length) break;
    records.push({ type: all.readUInt8(at), bytes: all.subarray(at, end) });
    at = end;
  }
  return records;
}
