/**
 * The smallest change of the grants after which a refused call would be allowed: found from the refusal's reason, never
 * trusted before the changed data was asked.
 */
import type { PolicyInput } from '../policy-document.ts';
import { entryOf, grantKeys, isRecord, originOf, pointer } from './matched-data.ts';

/** One operation of a JSON Patch (RFC 6902) on the policy's `data`. */
export interface DataOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** A step towards a grant, with what whoever makes it should know. */
export interface ChangeStep {
  readonly operation: DataOperation;
  /** What the step gives away, where that is more than this call; or what is better done instead. */
  readonly caution?: string;
}

/** Why no change of data helps, by reason. A reason that is in neither table is of other rules than these. */
const BEYOND_DATA: ReadonlyMap<string, string> = new Map([
  ['input-inconsistent', 'the input contradicts itself: whoever asked the policy must be corrected, not the data'],
  ['input-missing', 'the policy was asked about nothing: whoever asked it must be corrected, not the data'],
  ['operation-unmatched', 'the request is none of the operations of the service: it needs a route, not a grant'],
  ['no-rule-applies', 'no rule decided: the rules must be corrected, not the data'],
]);

/** Why no data can allow a call that was refused for this reason. */
export function beyondData(reason: string): string {
  return BEYOND_DATA.get(reason) ?? `no change of data is known for the reason ${reason}`;
}

/** The next step for a refusal; `undefined` when no data can help. */
export function nextStep(reason: string, grants: unknown, input: PolicyInput): ChangeStep | undefined {
  switch (reason) {
    case 'service-has-no-grants':
    case 'peer-has-no-grant':
    case 'operation-not-granted':
      return { operation: addGrant(grants, input) };
    case 'grant-not-understood':
      return understand(grants, input);
    case 'chain-required':
      return {
        operation: { op: 'remove', path: pointer(['grants', ...grantKeys(input), 'origins']) },
        caution:
          'better: let the caller send its caller chain. Without origins, this peer may act for anybody, and for itself',
      };
    case 'origin-not-allowed':
      return { operation: addOrigin(input) };
    default:
      return undefined;
  }
}

/** One operation, at the outermost level that is missing. A peer that acts for another gets the grant for that one alone. */
function addGrant(grants: unknown, input: PolicyInput): DataOperation {
  const keys = grantKeys(input);
  const origin = originOf(input);
  const grant = origin === undefined || origin === input.peer.spiffe_id ? {} : { origins: { [origin]: {} } };
  const path = ['grants'];
  let level = grants;
  for (const [index, key] of keys.entries()) {
    path.push(key);
    level = entryOf(level, key);
    // False is no grant, and stands where one must.
    if (level === false) return { op: 'replace', path: pointer(path), value: nested(keys.slice(index + 1), grant) };
    if (level === undefined) return { op: 'add', path: pointer(path), value: nested(keys.slice(index + 1), grant) };
  }
  return { op: 'replace', path: pointer(path), value: grant };
}

function nested(keys: readonly string[], grant: unknown): unknown {
  return keys.reduceRight((value, key) => ({ [key]: value }), grant);
}

function addOrigin(input: PolicyInput): DataOperation {
  return { op: 'add', path: pointer(['grants', ...grantKeys(input), 'origins', originOf(input) ?? '']), value: {} };
}

function understand(grants: unknown, input: PolicyInput): ChangeStep {
  const keys = grantKeys(input);
  const grant = keys.reduce(entryOf, grants);
  return {
    operation: { op: 'replace', path: pointer(['grants', ...keys]), value: understoodPart(grant, true) },
    caution: 'better: correct the part that is not understood. Without it, what it was meant to limit is not limited',
  };
}

/** The parts that the rules know. What is left out limits nothing any more: {@link understand} says so. */
function understoodPart(terms: unknown, withOrigins: boolean): Readonly<Record<string, unknown>> {
  const [mask, origins] = [entryOf(terms, 'mask'), entryOf(terms, 'origins')];
  const parts: Record<string, unknown> = {};
  if (Array.isArray(mask) && mask.length > 0 && mask.every((field) => typeof field === 'string')) parts['mask'] = mask;
  if (withOrigins && isRecord(origins) && Object.keys(origins).length > 0) {
    const understood = Object.entries(origins).map(([origin, limits]) => [origin, understoodPart(limits, false)]);
    parts['origins'] = Object.fromEntries(understood);
  }
  return parts;
}
