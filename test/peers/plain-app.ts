/**
 * An application without TLS, as it stands behind a proxy; and plain requests to a proxy that adds the TLS.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { TestContext } from 'node:test';
import { listenUntilEnd } from './listen.ts';

/** Listens on a free port of 127.0.0.1 until the test ends, and answers every request with `reached`. */
export interface PlainApp {
  readonly port: number;
  /** The headers of each request, in order. */
  readonly requests: readonly IncomingHttpHeaders[];
}

/** Starts it. */
export async function startPlainApp(t: TestContext): Promise<PlainApp> {
  const requests: IncomingHttpHeaders[] = [];
  const server = createServer((incoming, response) => {
    requests.push(incoming.headers);
    response.end('reached');
  });
  return { port: await listenUntilEnd(t, server), requests };
}

/** An answer as it came. */
export interface PlainAnswer {
  readonly status: number;
  readonly body: string;
}

/** One plain GET. Rejects when the connection ends without an answer. */
export async function callPlain(to: { readonly port: number } | { readonly socketPath: string }): Promise<PlainAnswer> {
  const outgoing = request({ host: '127.0.0.1', ...to, path: '/', agent: false });
  outgoing.end();
  const [response] = await once(outgoing, 'response');
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body };
}
