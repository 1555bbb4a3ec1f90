/**
 * TLS from the attacker's end: any chain and key are presented, whoever the server is. It is the server that shall check.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

/** A chain to present, with its key; both in PEM. */
export interface Material {
  readonly cert: string;
  readonly key: string;
}

/** `host:port`, taken apart. */
export function addressOf(address: string): { host: string; port: number } {
  const [host = '', port = ''] = address.split(':');
  return { host, port: Number(port) };
}

/** Nothing takes longer than this. */
export const ANSWER_MS = 8_000;

/** A completed handshake, as far as the client can tell: in TLS 1.3 the server judges the client's certificate afterwards. */
export interface Opened {
  readonly socket: TLSSocket;
  readonly port: number;
}

/** Shakes hands. Rejects when the server ends the handshake. */
export function openTls(
  address: string,
  material: Material | undefined,
  alpn: string,
  extra: ConnectionOptions = {},
): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...addressOf(address),
      ...(material ?? {}),
      ...(alpn === '' ? {} : { ALPNProtocols: [alpn] }),
      minVersion: 'TLSv1.3',
      rejectUnauthorized: false,
      ...extra,
    });
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    socket.once('error', (error) => reject(withPort(error, socket.localPort)));
    socket.once('secureConnect', () => resolve({ socket, port: socket.localPort ?? 0 }));
  });
}

/** Opens TCP alone. */
export function openTcp(address: string): Promise<{ socket: Socket; port: number }> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(addressOf(address));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS / 1000} s`)));
    socket.once('error', reject);
    socket.once('connect', () => resolve({ socket, port: socket.localPort ?? 0 }));
  });
}

/** A failed handshake keeps the port that it was tried from. */
export class HandshakeError extends Error {
  readonly port: number | undefined;
  readonly code: string;

  constructor(cause: Error, port: number | undefined) {
    super(cause.message, { cause });
    this.port = port;
    this.code = 'code' in cause ? String(cause.code) : cause.name;
  }
}

function withPort(error: Error, port: number | undefined): HandshakeError {
  return new HandshakeError(error, port);
}

/** Everything that comes until the other side ends, and how it ended. */
export function readToEnd(socket: Socket): Promise<{ bytes: Buffer; end: string }> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    let end = 'closed';
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (error) => {
      end = 'code' in error ? String(error.code) : error.message;
    });
    socket.once('end', () => socket.end());
    socket.once('close', () => resolve({ bytes: Buffer.concat(chunks), end }));
    socket.resume();
  });
}

/** Whether a connection ended because the other side closed it: with an end, a reset or TLS's own word for it. */
export function isClosed(end: string): boolean {
  return ['closed', 'ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(end);
}
