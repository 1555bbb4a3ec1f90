/**
 * A start-up check that no route of an Express application was left without a guard: a forgotten guard fails the start,
 * not the audit.
 */
import { httpGuardPart } from './http-guard.ts';

/** The parts of an Express application or router that are looked at. */
export interface RoutedApplication {
  readonly router?: unknown;
  readonly stack?: unknown;
}

/**
 * Checks an Express 5 application after its routes are declared.
 * @throws {TypeError} naming the first route whose first handler is not a guard, when a route stands before
 * `guard.wellFormed`, or when the last handler is not `guard.unmatched`. Middleware given to `app.use` is not looked into: it must not answer requests.
 * @example assertGuardedRoutes(app);
 */
export function assertGuardedRoutes(application: RoutedApplication): void {
  const layers = layersOf(application);
  checkLayers(layers);
  const first = layers.findIndex(({ handle }) => httpGuardPart(handle) === 'well-formed');
  const routed = layers.findIndex(({ route, handle }) => route !== undefined || isRouter(handle));
  if (first === -1 || (routed !== -1 && routed < first))
    throw new TypeError('http guard: guard.wellFormed must stand before every route');
  if (httpGuardPart(layers.at(-1)?.handle) !== 'unmatched')
    throw new TypeError('http guard: the last handler of the application must be guard.unmatched');
}

interface Layer {
  readonly handle?: unknown;
  readonly route?: {
    readonly path?: unknown;
    readonly stack: readonly { readonly handle?: unknown; readonly method?: string }[];
  };
}

function checkLayers(layers: readonly Layer[]): void {
  for (const { route, handle } of layers) {
    if (route !== undefined) checkRoute(route);
    else if (isRouter(handle)) checkLayers(layersOf(handle));
  }
}

/** `app.get(path, guard, handler)` is one route with a handler each: the first of each method must be the guard. */
function checkRoute(route: NonNullable<Layer['route']>): void {
  const seen = new Set<string | undefined>();
  for (const { method, handle } of route.stack) {
    if (seen.has(method)) continue;
    seen.add(method);
    if (httpGuardPart(handle) !== 'operation')
      throw new TypeError(
        `http guard: ${(method ?? 'all').toUpperCase()} ${String(route.path)} must have a guard first`,
      );
  }
}

function layersOf(application: RoutedApplication): readonly Layer[] {
  const { stack } = isRouter(application.router) ? application.router : application;
  if (!Array.isArray(stack)) throw new TypeError('http guard: an Express 5 application or router is needed');
  return stack;
}

function isRouter(value: unknown): value is RoutedApplication {
  return (typeof value === 'function' || typeof value === 'object') && value !== null && 'stack' in value;
}
