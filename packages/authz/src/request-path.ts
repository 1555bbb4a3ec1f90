/**
 * The path of an HTTP request, taken from the bytes of its target, and the routes it is compared with. Two readers of one
 * path (router and policy, proxy and service) that disagree are how authorization is walked around, so a path that could
 * be read in two ways is refused.
 */

/** A route as the policy names it: `GET /orders/{id}`. */
export interface Route {
  readonly operation: string;
  readonly method: string;
  readonly segments: readonly RouteSegment[];
}

/** Text that must be there as it is, or a parameter that takes any text. */
type RouteSegment = { readonly literal: string } | { readonly parameter: string };

/** A request's path. */
export interface RequestPath {
  /** As sent. */
  readonly raw: readonly string[];
  /** Decoded once. */
  readonly decoded: readonly string[];
}

const OPERATION = /^([A-Z]+) (\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_]+\})?(?:\/(?:[A-Za-z0-9._~-]+|\{[A-Za-z_]+\}))*)$/;
/** RFC 3986's `path`: no backslash, no fragment, nothing outside of ASCII, which routers rewrite before they match. */
const PATH = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/;
/** `Cc`: control characters, DEL and the C1 block among them. */
const FORBIDDEN = /[/\\\p{Cc}]/u;

/**
 * Parses `GET /orders/{id}`.
 * @throws {TypeError} when it is no method in upper case, a space and a path of plain segments and `{parameters}`.
 */
export function parseRoute(operation: string): Route {
  const [, method, path] = OPERATION.exec(operation) ?? [];
  if (method === undefined || path === undefined)
    throw new TypeError(`http guard: an operation is like "GET /orders/{id}", got ${JSON.stringify(operation)}`);
  return { operation, method, segments: splitPath(path).map(parseSegment) };
}

/**
 * The path of a request target; `undefined` when it is not acceptable: not in origin form, not decodable, or holding, once
 * decoded, a segment that is `.` or `..` or has a slash, a backslash or a control character in it.
 */
export function parseRequestPath(target: string): RequestPath | undefined {
  const query = target.indexOf('?');
  const path = query === -1 ? target : target.slice(0, query);
  if (!PATH.test(path) || target.includes('#')) return undefined;
  const raw = splitPath(path);
  const decoded: string[] = [];
  for (const segment of raw) {
    const text = decode(segment);
    if (text === undefined || text === '.' || text === '..' || FORBIDDEN.test(text)) return undefined;
    decoded.push(text);
  }
  return { raw, decoded };
}

/** Whether a request is of this route, byte by byte: case, a slash at the end, and HEAD for GET make another request. */
export function matchRoute({ method, segments }: Route, requestMethod: string, { raw }: RequestPath): boolean {
  if (method !== requestMethod || segments.length !== raw.length) return false;
  return segments.every((segment, index) =>
    'literal' in segment ? segment.literal === raw[index] : raw[index] !== '',
  );
}

/** The values of a matched route's parameters, decoded once. */
export function routeParameters({ segments }: Route, { decoded }: RequestPath): Record<string, string> {
  const values: [string, string][] = [];
  for (const [index, segment] of segments.entries())
    if ('parameter' in segment) values.push([segment.parameter, decoded[index] ?? '']);
  return Object.fromEntries(values);
}

function parseSegment(segment: string): RouteSegment {
  return segment.startsWith('{') ? { parameter: segment.slice(1, -1) } : { literal: segment };
}

function splitPath(path: string): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
