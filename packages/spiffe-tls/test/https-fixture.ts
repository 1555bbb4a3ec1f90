/**
 * A running HTTPS server and requests to it, for tests. Only tests import it.
 */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { type Agent, request, type Server } from 'node:https';
import type { TestContext } from 'node:test';
import {
  createSpiffeHttpsAgent,
  type SpiffeHttpsAgent,
  type SpiffeHttpsAgentModeOptions,
  type SpiffeHttpsAgentOptions,
} from '../src/https-agent.ts';
import {
  createSpiffeHttpsServer,
  type SpiffeHttpsServerModeOptions,
  type SpiffeHttpsServerOptions,
} from '../src/https-server.ts';

/** A server that listens until the test ends. */
export interface RunningServer {
  readonly server: Server;
  readonly port: number;
}

/** Starts a server on a free port. */
export async function startHttps(
  t: TestContext,
  options: SpiffeHttpsServerOptions | SpiffeHttpsServerModeOptions,
  listener: RequestListener,
): Promise<RunningServer> {
  const server = createSpiffeHttpsServer(options, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return { server, port: portOf(server) };
}

/** The port that a server got. */
export function portOf(server: { address(): unknown }): number {
  const address = server.address();
  if (typeof address === 'object' && address !== null && 'port' in address && typeof address.port === 'number') {
    return address.port;
  }
  throw new TypeError('the server has no port');
}

/** An agent that is destroyed when the test ends. */
export function createAgent(
  t: TestContext,
  options: SpiffeHttpsAgentOptions | SpiffeHttpsAgentModeOptions,
): SpiffeHttpsAgent {
  const agent = createSpiffeHttpsAgent(options);
  t.after(() => agent.destroy());
  return agent;
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly headers: IncomingMessage['headers'];
  /** The client's port: the same for two requests over one connection. */
  readonly clientPort: number | undefined;
}

/** Sends a request and reads the answer. Rejects with the request's error. */
export async function get(
  agent: Agent,
  port: number,
  options: { readonly host?: string; readonly body?: string } = {},
): Promise<Answer> {
  const host = options.host ?? '127.0.0.1';
  const outgoing = request({ host, port, agent, method: options.body === undefined ? 'GET' : 'POST' });
  outgoing.end(options.body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).once('error', reject);
  });
  const clientPort = response.socket.localPort;
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text, headers: response.headers, clientPort };
}
