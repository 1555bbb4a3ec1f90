/**
 * A server that speaks just enough of PostgreSQL's protocol over direct TLS for `pg` to log in and query, and answers each
 * query with the serial number of the client's certificate. Only tests import it.
 */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { IssuedSvid } from '@countersign/testkit';
import { portOf } from './https-fixture.ts';
import { listenOnLoopback } from './loopback-listener.ts';

/** A server that listens until the test ends. */
export interface FakePostgres {
  readonly port: number;
  readonly server: Server;
  /** Bytes of PostgreSQL's protocol received so far, over all connections. */
  received(): number;
  /** Open connections. */
  connections(): number;
  /** Presents another certificate from now on, as a reload does. */
  present(issued: IssuedSvid): void;
  /** Holds the answers to queries until the returned function is called. */
  hold(): () => void;
  /** Resolves when the next connection has ended. */
  nextClosed(): Promise<unknown>;
}

/** Starts one that presents `issued`. It does not verify its clients: that is PostgreSQL's part. */
export async function startFakePostgres(t: TestContext, issued: IssuedSvid): Promise<FakePostgres> {
  let received = 0;
  let held: Array<() => void> | undefined;
  const options = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['postgresql'] };
  const server = createServer({ cert: issued.certificatePem, key: issued.keyPem, ...options }, (socket) => {
    const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
    serve(
      socket,
      serial,
      (count) => {
        received += count;
      },
      (answer) => {
        if (held === undefined) answer();
        else held.push(answer);
      },
    );
  });
  const sockets = await listenOnLoopback(t, server);
  return {
    port: portOf(server),
    server,
    received: () => received,
    connections: () => sockets.size,
    present: (next) => server.setSecureContext({ cert: next.certificatePem, key: next.keyPem }),
    hold: () => {
      held = [];
      return () => {
        const answers = held ?? [];
        held = undefined;
        for (const answer of answers) answer();
      };
    },
    nextClosed: () => once(server, 'ended'),
  };
}

type Count = (bytes: number) => void;
type Schedule = (answer: () => void) => void;

/** The startup message has no type byte; every message after it has one. */
function serve(socket: TLSSocket, serial: string, count: Count, schedule: Schedule): void {
  let buffer = Buffer.alloc(0);
  let started = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    count(chunk.length);
    buffer = Buffer.concat([buffer, chunk]);
    for (;;) {
      const header = started ? 1 : 0;
      if (buffer.length < header + 4 || buffer.length < header + buffer.readUInt32BE(header)) return;
      const type = started ? String.fromCharCode(buffer[0] ?? 0) : 'startup';
      buffer = buffer.subarray(header + buffer.readUInt32BE(header));
      started = true;
      if (type === 'startup') socket.write(Buffer.concat([message('R', int32(0)), ready()]));
      if (type === 'Q') schedule(() => socket.write(row(serial)));
      if (type === 'X') socket.end();
    }
  });
}

function row(serial: string): Buffer {
  const column = Buffer.concat([text('serial'), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]);
  const value = Buffer.from(serial);
  return Buffer.concat([
    message('T', int16(1), column),
    message('D', int16(1), int32(value.length), value),
    message('C', text('SELECT 1')),
    ready(),
  ]);
}

function ready(): Buffer {
  return message('Z', Buffer.from('I'));
}

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value), Buffer.from([0])]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}
