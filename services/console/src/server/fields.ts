/** Fields of requests to the console. Each reader gives the value or throws the problem that names the field. */
import type { LoadRequest } from '../wire/actions.ts';
import { ApiError } from './api-error.ts';

/** How long the grants may be as text. */
export const MAX_POLICY_BYTES = 256 * 1024;
/** Orders a second that the load may have. */
export const MAX_PER_SECOND = 50;

/** The name of a workload that must be given. */
export function readWorkload(body: unknown): string {
  const workload = readOptionalWorkload(body);
  if (workload === undefined) throw invalid('workload', 'must be the name of a workload');
  return workload;
}

/** The name of a workload; `undefined` when none is given. */
export function readOptionalWorkload(body: unknown): string | undefined {
  const value = fieldOf(body, 'workload');
  return value === undefined ? undefined : readName(value);
}

/** A name in a path or a body. */
export function readName(value: unknown): string {
  if (typeof value === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value;
  throw invalid('workload', 'must be the name of a workload');
}

/** ID of an attack, from the path. */
export function readAttackId(value: unknown): string {
  if (typeof value === 'string' && /^[A-Za-z0-9-]{1,120}$/.test(value)) return value;
  throw invalid('id', 'must be letters, digits and "-"');
}

/** W3C trace ID, from the path. */
export function readTraceId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)) return value;
  throw invalid('traceId', 'must be 32 lower-case hexadecimal digits');
}

/** A decision's ID, from the path. */
export function readDecisionId(value: unknown): string {
  if (typeof value === 'string' && /^[0-9A-Za-z-]{1,64}$/.test(value)) return value;
  throw invalid('id', 'must be the ID of a decision');
}

/** The rate of the load. */
export function readLoad(body: unknown): LoadRequest {
  const perSecond = fieldOf(body, 'perSecond');
  if (typeof perSecond === 'number' && perSecond >= 0 && perSecond <= MAX_PER_SECOND) return { perSecond };
  throw invalid('perSecond', `must be a number from 0 to ${MAX_PER_SECOND}`);
}

/** The grants as text. */
export function readPolicyText(body: unknown): string {
  const text = fieldOf(body, 'text');
  if (typeof text === 'string' && Buffer.byteLength(text) <= MAX_POLICY_BYTES) return text;
  throw invalid('text', `must be a text of at most ${MAX_POLICY_BYTES} bytes`);
}

/** The revision that a change is made from. */
export function readRevision(body: unknown): string {
  const revision = fieldOf(body, 'revision');
  if (typeof revision === 'string' && /^[0-9a-f]{64}$/.test(revision)) return revision;
  throw invalid('revision', 'must be the revision of a policy state');
}

function fieldOf(body: unknown, name: string): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('', 'must be a JSON object');
  return Object.getOwnPropertyDescriptor(body, name)?.value;
}

function invalid(field: string, rule: string): ApiError {
  return new ApiError({
    status: 400,
    detail: `${field === '' ? 'The body' : `The field ${field}`} ${rule}.`,
    reason: 'FIELD_INVALID',
    ...(field === '' ? {} : { field }),
  });
}
