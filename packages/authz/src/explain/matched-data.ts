/**
 * The data that a decision looked at: each level of `data.grants` that has an entry for this call, as far as there is one.
 */
import type { PolicyInput } from '../policy-document.ts';

/** A place in the policy's data and what stands there. */
export interface MatchedData {
  /** JSON pointer (RFC 6901) below `data`: `/grants/spiffe:~1~1example.org~1callee`. */
  readonly path: string;
  readonly value: unknown;
}

/** The keys by which the rules look a call's grant up, outermost first. */
export function grantKeys(input: PolicyInput): readonly [self: string, peer: string, operation: string] {
  return [input.self.spiffe_id, input.peer.spiffe_id, input.operation];
}

/** The workload at which the call began; `undefined` without a caller chain. */
export function originOf(input: PolicyInput): string | undefined {
  return input.chain[0]?.spiffe_id;
}

/**
 * The innermost entry on the way to this call's grant: the grant itself, or the last level that exists and the names that
 * it has instead. With the origin's own entry after it, where the grant has one.
 */
export function matchedData(grants: unknown, input: PolicyInput): MatchedData[] {
  const keys = grantKeys(input);
  let [value, depth]: [unknown, number] = [grants, 0];
  for (const key of keys) {
    const next = entryOf(value, key);
    if (next === undefined) break;
    [value, depth] = [next, depth + 1];
  }
  const path = pointer(['grants', ...keys.slice(0, depth)]);
  // A level that lacks the key is shown by its names alone: a service may have thousands of grants.
  if (depth < keys.length) return [{ path, value: Object.keys(isRecord(value) ? value : {}).sort() }];
  const origin = originOf(input);
  const terms = origin === undefined ? undefined : entryOf(entryOf(value, 'origins'), origin);
  const matched = [{ path, value }];
  if (origin !== undefined && terms !== undefined)
    matched.push({ path: pointer(['grants', ...keys, 'origins', origin]), value: terms });
  return matched;
}

/** An own property: names are others' text, and `constructor` is one. */
export function entryOf(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901: a tilde is `~0` and a slash `~1`, in this order. */
export function pointer(keys: readonly string[]): string {
  return keys.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
