/**
 * What a browser can be made to do against a plain port on loopback, and the checks that stop it:
 *
 * - DNS rebinding: a foreign page's name resolves to 127.0.0.1. The `Host` header then has that name: refused (421).
 * - Cross-site requests: a foreign page posts a form or fetches. Browsers say so in `Origin` and `Sec-Fetch-Site`: refused
 *   (403). Programs such as curl send neither header and are let through; they are not confused deputies.
 * - What such an answer could do as a page: headers that let it run, load and embed nothing but what it names.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Problem, sendProblem } from './problem.ts';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];
const READING: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD']);

/** Reads `ALLOWED_HOSTS`: names without ports, separated by commas. */
export function parseHostNames(text: string): ReadonlySet<string> {
  const names = text
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !/^([a-z0-9.-]{1,253}|\[[0-9a-f:.]+\])$/.test(name));
  if (wrong !== undefined) throw new Error('must be host names without ports, separated by commas');
  return new Set([...LOOPBACK_NAMES, ...names]);
}

/** How {@link createEdgeChecks} checks. */
export interface EdgeCheckOptions {
  /** Names that are served, as {@link parseHostNames} gives them. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Whether what changes state must have an `Origin`, as every browser sends it. Default: programs may leave it out. */
  readonly originNeeded?: boolean;
  /** Told of each refusal, beside the answer. */
  readonly onRefusal?: (problem: Problem, request: IncomingMessage) => void;
}

/** Makes the handler that must come before every route. */
export function createEdgeChecks({ allowedHosts, originNeeded = false, onRefusal }: EdgeCheckOptions) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const problem = checkHost(request, allowedHosts) ?? checkSite(request) ?? checkOrigin(request, originNeeded);
    if (problem === undefined) {
      next();
      return;
    }
    onRefusal?.(problem, request);
    sendProblem(response, problem);
  };
}

/**
 * Makes the handler that sets the headers of every answer, JSON included: shown as a page it must be as harmless as the page.
 * @param further more headers, by their names
 */
export function createSecurityHeaders(
  contentSecurityPolicy: readonly string[],
  further: Readonly<Record<string, string>> = {},
) {
  const headers = new Map([
    ['content-security-policy', contentSecurityPolicy.join('; ')],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ...Object.entries(further),
  ]);
  return (_request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    response.setHeaders(headers);
    next();
  };
}

/** Why a request's `Host` is refused; `undefined` when it is one of the names that are served. */
export function checkHost({ headers }: IncomingMessage, allowedHosts: ReadonlySet<string>): Problem | undefined {
  const name = hostName(headers.host ?? '');
  if (name !== undefined && allowedHosts.has(name)) return undefined;
  return {
    status: 421,
    detail: 'The Host header names a host that this service does not serve.',
    reason: 'HOST_NOT_SERVED',
    expected: [...allowedHosts].join(', '),
    got: quoted(headers.host),
  };
}

/** Another port on localhost is another origin of the same *site*, so `same-site` is not enough. */
function checkSite({ headers, url, method }: IncomingMessage): Problem | undefined {
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return undefined;
  // Following a link to the page is no attack; everything else a foreign page starts is refused.
  const followsLink = READING.has(method) && headers['sec-fetch-mode'] === 'navigate' && !isApi(url ?? '');
  if (followsLink) return undefined;
  return {
    status: 403,
    detail: 'The request was started by another site.',
    reason: 'CROSS_SITE_REQUEST',
    expected: 'same-origin or none',
    got: quoted(site.toString()),
  };
}

/** Compares with `Host`, which was checked before: behind something that adds TLS the scheme differs, the host does not. */
function checkOrigin({ headers, method }: IncomingMessage, needed: boolean): Problem | undefined {
  const { origin, host } = headers;
  if (READING.has(method) || (origin === undefined && !needed)) return undefined;
  const sameHost = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
  if (sameHost) return undefined;
  return {
    status: 403,
    detail: 'The Origin header names another origin.',
    reason: 'ORIGIN_NOT_ALLOWED',
    expected: `the host ${quoted(host)}`,
    got: quoted(origin),
  };
}

/** For the log: what came, so that it can neither flood nor forge a line. */
function quoted(value: string | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value.slice(0, 120));
}

function isApi(url: string): boolean {
  return url === '/api' || url.startsWith('/api/');
}

/** `localhost:8080` -> `localhost`; `undefined` for what is no host. */
function hostName(host: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}
