/**
 * Applies a change to a copy of the policy's data: the three operations of JSON Patch (RFC 6902) that explanations use, on
 * objects alone.
 */
import type { DataOperation } from './data-change.ts';
import { isRecord } from './matched-data.ts';

/**
 * A copy of the data with the operations applied in order.
 * @throws {TypeError} when a path leads through something that is not there, or is no object.
 * @example applyChange({ grants: {} }, [{ op: 'add', path: '/grants/spiffe:~1~1example.org~1a', value: {} }]);
 */
export function applyChange<Data extends object>(data: Data, operations: readonly DataOperation[]): Data {
  const copy = structuredClone(data);
  for (const operation of operations) applyOne(copy, operation);
  return copy;
}

function applyOne(data: object, { op, path, value }: DataOperation): void {
  const keys = path.split('/').slice(1).map(unescapePointer);
  const last = keys.pop();
  const parent = keys.reduce<unknown>((level, key) => (isRecord(level) ? own(level, key) : undefined), data);
  if (last === undefined || !isRecord(parent)) throw new TypeError(`data change: ${path} leads through no object`);
  if (op !== 'add' && !Object.hasOwn(parent, last)) throw new TypeError(`data change: nothing is at ${path}`);
  if (op === 'remove') Reflect.deleteProperty(parent, last);
  // Defined, not assigned: `__proto__` is a name like any other.
  else Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
}

function own(level: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(level, key) ? level[key] : undefined;
}

/** RFC 6901: `~1` is a slash and `~0` a tilde, in this order. */
function unescapePointer(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}
