/**
 * HTTP/1.1 by hand: bytes as an attacker would write them, and every answer that comes back.
 */
import type { Seen } from './outcome.ts';
import { HandshakeError, isClosed, type Material, openTls, readToEnd } from './wire-tls.ts';

/** A request, written as it stands. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** Each line as it stands, without its end. `Host` is among them, or is not. */
  readonly headers: readonly string[];
  readonly body?: string;
}

/** One answer. */
export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
}

/** Writes a request that asks for the connection's end. */
export function write({ method, target, headers, body = '' }: RawRequest): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return `${[`${method} ${target} HTTP/1.1`, ...headers, ...length].join('\r\n')}\r\n\r\n${body}`;
}

/** Sends bytes over TLS and tells what came back, in the form of {@link Seen.wire}. */
export async function sendHttps(address: string, material: Material | undefined, text: string): Promise<Seen> {
  try {
    const { socket, port } = await openTls(address, material, 'http/1.1');
    const reading = readToEnd(socket);
    socket.write(Buffer.from(text, 'latin1'));
    const { bytes, end } = await reading;
    return { port, ...describe(bytes, end) };
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    const { port, code } = error;
    return { wire: isClosed(code) ? 'closed' : code, detail: error.message, ...(port !== undefined && { port }) };
  }
}

function describe(bytes: Buffer, end: string): Pick<Seen, 'wire' | 'detail'> {
  const answers = parseAnswers(bytes.toString('latin1'));
  if (answers.length === 0) {
    if (bytes.length > 0)
      return { wire: `${bytes.length} bytes that are no HTTP`, detail: bytes.toString('latin1', 0, 80) };
    return { wire: isClosed(end) ? 'closed' : end };
  }
  const wire = answers.map(({ status, code }) => `HTTP ${status}${code === undefined ? '' : ` ${code}`}`).join(', ');
  const open = isClosed(end) ? '' : `, then ${end}`;
  return { wire: wire + open, detail: bytes.toString('utf8').slice(0, 1_000) };
}

/** Answers one after the other, as `Content-Length` or chunks delimit them. */
export function parseAnswers(text: string): Answer[] {
  const answers: Answer[] = [];
  let rest = text;
  while (rest.startsWith('HTTP/1.1 ')) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd === -1) break;
    const head = rest.slice(0, headEnd);
    const { body, length } = bodyOf(head, rest.slice(headEnd + 4));
    answers.push({ status: Number(head.slice(9, 12)), code: codeOf(body) });
    rest = rest.slice(headEnd + 4 + length);
  }
  return answers;
}

function bodyOf(head: string, rest: string): { body: string; length: number } {
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? rest.length);
  const next = rest.indexOf('HTTP/1.1 ');
  // An answer to HEAD has a length and no body: the next one begins at once.
  const real = next === 0 ? 0 : Math.min(length, rest.length);
  return { body: rest.slice(0, real), length: real };
}

function codeOf(body: string): string | undefined {
  return /"code":"([A-Z_]+)"/.exec(body)?.[1];
}
