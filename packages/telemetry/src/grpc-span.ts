/** What client and server spans of gRPC calls have in common: their names and attributes by OpenTelemetry's conventions. */
import type { Metadata } from '@grpc/grpc-js';
import type { Attributes, TextMapGetter, TextMapSetter } from '@opentelemetry/api';

/** Name of the tracer that makes these spans. */
export const TRACER = '@countersign/telemetry';

/** Attribute that holds the numeric status of a finished call. */
export const STATUS_CODE = 'rpc.grpc.status_code';

/** `/pkg.Service/Method` -> `pkg.Service/Method`. */
export function spanName(path: string): string {
  return path.slice(1);
}

/** System, service and method of a full method path. */
export function rpcAttributes(path: string): Attributes {
  const [service, method] = spanName(path).split('/');
  return { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
}

/** Reads W3C trace context from gRPC metadata. HTTP/2 joins a `traceparent` that came twice, which makes it malformed. */
export const metadataGetter: TextMapGetter<Metadata> = {
  keys: (metadata) => Object.keys(metadata.getMap()),
  get: (metadata, key) => metadata.get(key).map(String),
};

/** Writes W3C trace context to gRPC metadata. */
export const metadataSetter: TextMapSetter<Metadata> = {
  set: (metadata, key, value) => metadata.set(key, value),
};
