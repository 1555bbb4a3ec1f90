/**
 * gRPC by hand, over HTTP/2: every header is ours to set, and the status is what stands on the wire.
 */
import { connect as connectHttp2, constants, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { errorInfoOf } from '@countersign/authz';
import { Metadata, status as Status } from '@grpc/grpc-js';
import type { Seen } from './outcome.ts';
import { HandshakeError, isClosed, type Material, type Opened, openTls } from './wire-tls.ts';

/** One call. */
export interface RawCall {
  /** `:path` */
  readonly path: string;
  /** Serialized messages. */
  readonly messages: readonly Uint8Array[];
  readonly headers?: OutgoingHttpHeaders;
  /** The first message that comes back is enough: the stream goes on for minutes. */
  readonly untilFirst?: boolean;
}

/** Makes a call on a connection of its own. */
export async function callGrpc(address: string, material: Material | undefined, call: RawCall): Promise<Seen> {
  try {
    const opened = await openTls(address, material, 'h2');
    return { port: opened.port, ...(await exchange(opened, address, call)) };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    const { port, code } = error;
    return { wire: isClosed(code) ? 'closed' : code, detail: error.message, ...(port !== undefined && { port }) };
  }
}

function exchange({ socket }: Opened, address: string, call: RawCall): Promise<Seen> {
  return new Promise((resolve) => {
    const session = connectHttp2(`https://${address}`, { createConnection: () => socket });
    let settled = false;
    const end = (seen: Seen) => {
      if (settled) return;
      settled = true;
      session.destroy();
      resolve(seen);
    };
    const closed = (error: Error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      end({ wire: isClosed(code) || code === 'ERR_HTTP2_STREAM_CANCEL' ? 'closed' : code, detail: error.message });
    };
    session.on('error', closed);
    session.on('close', () => end({ wire: 'closed' }));
    send(session, call, { end, closed });
  });
}

interface Ends {
  end(seen: Seen): void;
  closed(error: Error): void;
}

function send(session: ReturnType<typeof connectHttp2>, call: RawCall, { end, closed }: Ends): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': call.path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...call.headers,
  });
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('error', closed);
  stream.on('response', (headers) => {
    head = headers;
  });
  stream.on('trailers', (headers) => {
    trailers = headers;
  });
  stream.on('data', () => {
    if (call.untilFirst === true) {
      stream.close(constants.NGHTTP2_CANCEL);
      end({ wire: 'gRPC OK', detail: 'the first message of the stream' });
    }
  });
  stream.on('end', () => end(describe({ ...head, ...trailers })));
  for (const message of call.messages) stream.write(frame(message));
  stream.end();
}

/** Not compressed, then its length. */
function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function describe(headers: IncomingHttpHeaders): Seen {
  const code = headers['grpc-status'];
  // A stream that ends without an answer is what HTTP/2 makes of a closed connection.
  if (headers[':status'] === undefined) return { wire: 'closed' };
  if (code === undefined) return { wire: `HTTP ${headers[':status']}` };
  const name = Status[Number(code)] ?? String(code);
  const reason = reasonOf(headers);
  const message = headers['grpc-message'];
  return {
    wire: `gRPC ${name}${reason === undefined ? '' : ` ${reason}`}`,
    ...(message !== undefined && { detail: decodeURIComponent(String(message)) }),
  };
}

function reasonOf(headers: IncomingHttpHeaders): string | undefined {
  const details = headers['grpc-status-details-bin'];
  if (typeof details !== 'string') return undefined;
  return errorInfoOf({ metadata: Metadata.fromHttp2Headers({ 'grpc-status-details-bin': details }) })?.reason;
}
