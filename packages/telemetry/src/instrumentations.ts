/**
 * OpenTelemetry's instrumentations of Node's HTTP and of `pg`, told who is who.
 *
 * They patch prototypes and module objects in place when a module is *required* after they were registered. This
 * repository is ESM, and import hooks would have to be installed by a loader before anything else. That isn't needed:
 * core modules, and `pg` as a CommonJS package, are one object for `require` and `import`, so requiring them once here
 * patches what everybody uses, whoever imported it before. Named imports of core modules are bindings of their own;
 * `syncBuiltinESMExports` brings them up to date.
 */
import { IncomingMessage } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Span } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { ATTRIBUTES } from './attributes.ts';
import { chainAttributes, currentCallRecord, type Party } from './call-record.ts';

/** Who is who on the connections of this process. */
export interface IdentityLookup {
  /** Who this process is at the moment. */
  readonly self: () => Party | undefined;
  /** The verified peer of an HTTP request (as a server) or response (as a client). */
  readonly httpPeer?: ((message: IncomingMessage) => string | undefined) | undefined;
  /** SPIFFE ID that the pool demands of the database. */
  readonly databasePeerId?: string | undefined;
}

const UNTRACED_PATHS: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz']);

/** Makes the instrumentations; the SDK registers them. */
export function createInstrumentations(identities: IdentityLookup): [HttpInstrumentation, PgInstrumentation] {
  const selfAttributes = () => {
    const self = identities.self();
    return { [ATTRIBUTES.selfId]: self?.id, [ATTRIBUTES.svidSerial]: self?.serial };
  };
  // What leaves within a call, SQL too, belongs to that call's chain.
  const clientAttributes = () => ({ ...selfAttributes(), ...chainAttributes(currentCallRecord()) });
  const notePeer = (span: Span, message: unknown) => {
    const peerId = message instanceof IncomingMessage ? identities.httpPeer?.(message) : undefined;
    if (peerId !== undefined) span.setAttribute(ATTRIBUTES.peerId, peerId);
  };
  const noteDatabase = (span: Span) => {
    span.setAttributes({ ...clientAttributes(), [ATTRIBUTES.peerId]: identities.databasePeerId });
  };
  return [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: (request) => {
        // The hook is asked before the trace context is read.
        if (identities.httpPeer?.(request) === undefined) dropTraceContext(request);
        return UNTRACED_PATHS.has(request.url);
      },
      startIncomingSpanHook: selfAttributes,
      startOutgoingSpanHook: clientAttributes,
      requestHook: notePeer,
      responseHook: notePeer,
      requireParentforOutgoingSpans: true,
    }),
    // Statements carry placeholders; their values stay out of spans (`enhancedDatabaseReporting` is off by default).
    new PgInstrumentation({ requireParentSpan: true, requestHook: noteDatabase, connectionHook: noteDatabase }),
  ];
}

/**
 * ZERO TRUST: who is nobody to us does not choose our trace IDs, and does not turn sampling on or off. A browser at the
 * edge begins a new trace, whatever it sends.
 */
function dropTraceContext({ headers }: IncomingMessage): void {
  for (const name of ['traceparent', 'tracestate', 'baggage']) delete headers[name];
}

/**
 * Loads the modules once more by `require`, so that the registered instrumentations patch them.
 * @param packages CommonJS packages to patch beside Node's own modules
 */
export function applyInstrumentations(packages: readonly string[]): void {
  const require = createRequire(import.meta.url);
  for (const name of ['node:http', 'node:https', ...packages]) require(name);
  syncBuiltinESMExports();
}
