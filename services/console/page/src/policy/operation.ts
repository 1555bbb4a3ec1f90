/** Names of operations, for where the whole one would not fit. */

/** `OrderService/CreateOrder` for a gRPC method with its package; anything else as it is. */
export function shortOperation(operation: string): string {
  const [, service, method] = /^\/(?:[^/]*\.)?([^./]+)\/([^/]+)$/.exec(operation) ?? [];
  return service === undefined || method === undefined ? operation : `${service}/${method}`;
}
