/**
 * The HTTPS clients that are compared: the same `https.request` with Node's own agent and with ours, layer by layer.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import { Agent, type RequestOptions, request } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { Caller, Target } from './caller.ts';
import type { Credentials } from './credentials.ts';
import { greetingFor } from './greeting.ts';

/**
 * Node's own agent: the server is verified by OpenSSL and by the DNS name in its certificate. The context is made once; an
 * agent that is given `cert`, `key` and `ca` makes one for each connection, and would be easy to beat.
 */
export function createBareAgent(credentials: Credentials, resumption: boolean): Agent {
  const secureContext = createSecureContext({
    cert: credentials.certificatePem,
    key: credentials.privateKeyPem,
    ca: credentials.bundlePem,
    minVersion: 'TLSv1.3',
  });
  const sessions = resumption ? {} : { maxCachedSessions: 0 };
  return new Agent({ keepAlive: true, secureContext, servername: credentials.peerDnsName, ...sessions });
}

/** Headers that are made for each request, as the caller chain is. */
export type SignHeaders = (act: string) => Promise<OutgoingHttpHeaders>;

/** Repeats `GET /hello`, over one connection each if `newConnections`, else over as many as there are callers. */
export function createHttpsCaller(agent: Agent, target: Target, signHeaders?: SignHeaders): Caller {
  const handshakes = new Set<string>();
  const expected = `200 ${JSON.stringify({ message: greetingFor(target.selfId) })}`;
  const headers = target.newConnections ? { connection: 'close' } : {};
  const options = { agent, host: '127.0.0.1', port: target.port, path: '/hello' };
  return {
    async operation() {
      const signed = signHeaders === undefined ? {} : await signHeaders('GET /hello');
      const { body, freshSocket } = await get({ ...options, headers: { ...headers, ...signed } });
      if (freshSocket !== undefined) handshakes.add(describe(freshSocket));
      if (body !== expected) throw new Error(`GET /hello must be answered as agreed, got ${body}`);
    },
    takeHandshakes() {
      const taken = [...handshakes];
      handshakes.clear();
      return taken;
    },
    close: () => agent.destroy(),
  };
}

interface Answer {
  readonly body: string;
  /** The connection, if it was made for this request. */
  readonly freshSocket: Socket | undefined;
}

function get(options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      let body = `${response.statusCode} `;
      const freshSocket = outgoing.reusedSocket ? undefined : response.socket;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ body, freshSocket }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function describe(socket: Socket): string {
  if (!(socket instanceof TLSSocket)) throw new TypeError('bench: a TLS connection was expected');
  const exchange: object = socket.getEphemeralKeyInfo() ?? {};
  const group = 'name' in exchange ? String(exchange.name) : 'unknown group';
  const resumed = socket.isSessionReused() ? 'resumed' : 'full';
  return `${socket.getProtocol()} ${socket.getCipher().name} ${group} ${resumed}`;
}
