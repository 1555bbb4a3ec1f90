/**
 * Requests that two readers may read in two ways: odd paths and methods, and requests smuggled inside of others.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import type { RawRequest } from './wire-https.ts';

/** One. */
export interface HttpAttack {
  readonly name: string;
  readonly what: string;
  change(request: RawRequest, orderId: string): RawRequest | string;
  /**
   * `malformed`: refused by the guard with 400; `unmatched`: refused by the policy as no operation; `as proper`: it makes no
   * difference; `closed`: an accepted connection ends without an answer; else what the parser answers.
   */
  readonly outcome: 'malformed' | 'unmatched' | 'unmatched, no body' | 'as proper' | 'closed' | `HTTP ${string}`;
}

const target = (name: string, outcome: HttpAttack['outcome'], targetOf: (id: string) => string): HttpAttack => ({
  name: `path ${name}`,
  what: `\`${targetOf('ID').replaceAll('|', '\\|')}\` for \`/orders/ID\``,
  change: (request, id) => ({ ...request, target: targetOf(id) }),
  outcome,
});

const method = (name: string, outcome: HttpAttack['outcome']): HttpAttack => ({
  name: `method ${name}`,
  what: `\`${name}\` in the place of \`GET\``,
  change: (request) => ({ ...request, method: name }),
  outcome,
});

/** Odd requests, in the place of `GET /orders/ID`. */
export const HTTP_REQUESTS: readonly HttpAttack[] = [
  target('//', 'unmatched', (id) => `//orders/${id}`),
  target('// inside', 'unmatched', (id) => `/orders//${id}`),
  target('/.', 'malformed', (id) => `/./orders/${id}`),
  target('/..', 'malformed', (id) => `/orders/x/../${id}`),
  target('%2e', 'malformed', (id) => `/orders/%2e/${id}`),
  target('%2e%2E', 'malformed', (id) => `/hello/%2e%2E/orders/${id}`),
  target('%2f', 'malformed', (id) => `/orders%2f${id}`),
  target('%2F inside', 'malformed', (id) => `/orders/..%2F..%2F${id}`),
  target('%5c', 'malformed', (id) => `/orders%5c${id}`),
  target('backslash', 'malformed', (id) => `/orders\\${id}`),
  target('%00', 'malformed', (id) => `/orders/${id}%00`),
  target('% cut', 'malformed', (id) => `/orders/${id}%`),
  target('%ff', 'malformed', (id) => `/orders/${id}%ff`),
  target('encoded letter', 'unmatched', (id) => `/%6frders/${id}`),
  target('%252e', 'unmatched', (id) => `/%252e/orders/${id}`),
  target('case', 'unmatched', (id) => `/Orders/${id}`),
  target('slash at the end', 'unmatched', (id) => `/orders/${id}/`),
  target('parameter', 'unmatched', (id) => `/orders;x=1/${id}`),
  target('fragment', 'malformed', (id) => `/orders/${id}#x`),
  target('fragment after a query', 'malformed', (id) => `/orders/${id}?x#y`),
  target('absolute form', 'malformed', (id) => `https://db-client.example.org/orders/${id}`),
  target('asterisk', 'malformed', () => '*'),
  target('unknown', 'unmatched', () => '/admin'),
  target('query', 'as proper', (id) => `/orders/${id}?path=/hello&method=POST`),
  method('HEAD', 'unmatched, no body'),
  method('OPTIONS', 'unmatched'),
  method('TRACE', 'unmatched'),
  method('PUT', 'unmatched'),
  method('PATCH', 'unmatched'),
  method('DELETE', 'unmatched'),
  method('get', 'HTTP 400'),
  method('BREW', 'HTTP 400'),
  {
    name: 'method CONNECT',
    what: 'a tunnel asked for: the connection of an accepted peer ends without an answer',
    change: (request) => ({ ...request, method: 'CONNECT', target: 'db-client.example.org:443' }),
    outcome: 'closed',
  },
  {
    name: 'upgrade to h2c',
    what: 'an offer to change the protocol, which nobody takes up',
    change: (request) => ({
      ...request,
      headers: [
        ...request.headers.filter((line) => !line.startsWith('Connection:')),
        'Connection: Upgrade, HTTP2-Settings, close',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ],
    }),
    outcome: 'as proper',
  },
  {
    name: 'two Hosts',
    // RFC 9112, 3.2 asks for 400 and Node answers: it must not matter, because nothing here reads the header.
    what: '`Host` twice',
    change: (request) => ({ ...request, headers: [...request.headers, 'Host: db-client.example.org'] }),
    outcome: 'as proper',
  },
  {
    name: 'no Host',
    what: 'no `Host`',
    change: (request) => ({ ...request, headers: request.headers.filter((line) => !line.startsWith('Host:')) }),
    outcome: 'HTTP 400',
  },
];

const inner = 'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';

/** A second request hidden in the body of the first; the first is refused whole, and with it the connection. */
const smuggled = (name: string, what: string, headers: readonly string[], body: string): HttpAttack => ({
  name: `smuggled ${name}`,
  what,
  change: (request) => {
    const kept = request.headers.filter((line) => !line.startsWith('Connection:'));
    return `POST ${request.target} HTTP/1.1\r\n${[...kept, ...headers].join('\r\n')}\r\n\r\n${body}`;
  },
  outcome: 'HTTP 400',
});

/** Requests that a proxy and a service may cut at different places. */
export const SMUGGLED: readonly HttpAttack[] = [
  smuggled(
    'CL.TE',
    '`Content-Length` and `Transfer-Encoding` together',
    [`Content-Length: ${inner.length + 5}`, 'Transfer-Encoding: chunked'],
    `0\r\n\r\n${inner}`,
  ),
  smuggled(
    'TE.CL',
    'the same in the other order',
    ['Transfer-Encoding: chunked', 'Content-Length: 4'],
    `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
  ),
  smuggled('CL.CL', 'two lengths', ['Content-Length: 0', `Content-Length: ${inner.length}`], inner),
  smuggled('TE twice', 'two encodings', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${inner}`),
  smuggled('TE with a space', '`Transfer-Encoding :`', ['Transfer-Encoding : chunked'], `0\r\n\r\n${inner}`),
  smuggled('length +1', 'a length with a sign', ['Content-Length: +0'], inner),
  smuggled('folded header', 'a header over two lines', ['X-A: b', ' Transfer-Encoding: chunked'], `0\r\n\r\n${inner}`),
  smuggled('bare LF', 'lines that end with LF alone', ['X-A: b\nTransfer-Encoding: chunked'], `0\r\n\r\n${inner}`),
];

/** A gRPC call whose path is almost that of a method. */
export interface GrpcPathAttack {
  readonly name: string;
  readonly what: string;
  headers(path: string): OutgoingHttpHeaders;
  readonly wire: string;
}

const grpcPath = (name: string, pathOf: (path: string) => string): GrpcPathAttack => ({
  name: `gRPC path ${name}`,
  what: `\`${pathOf('/package.Service/Method')}\``,
  headers: (path) => ({ ':path': pathOf(path) }),
  wire: 'gRPC UNIMPLEMENTED',
});

/** Such calls. */
export const GRPC_PATHS: readonly GrpcPathAttack[] = [
  grpcPath('//', (path) => `/${path}`),
  grpcPath('/.', (path) => `/.${path}`),
  grpcPath('%2f', (path) => `/${path.slice(1).replace('/', '%2f')}`),
  grpcPath('case', (path) => path.toLowerCase()),
  grpcPath('slash at the end', (path) => `${path}/`),
  grpcPath('query', (path) => `${path}?x=1`),
  {
    name: 'gRPC content type',
    what: 'JSON in the place of gRPC',
    headers: () => ({ 'content-type': 'application/json' }),
    wire: 'HTTP 415',
  },
];
