/**
 * Faults on command: what a test makes the Workload API do wrong, so that a client can be seen to cope. A fault waits for
 * the calls or messages that it is for, and is used up by them.
 */
import { quote } from '@countersign/spiffe-tls';
import { SpiffeWorkloadAPIService } from '@countersign/spiffe-tls/workload-api-proto';
import { status } from '@grpc/grpc-js';
import { DevTrustDomainError } from './errors.ts';

/** The name of a gRPC status: `UNAVAILABLE`, `PERMISSION_DENIED`, … */
export type StatusName = keyof typeof status;

/** One fault. It has a `code`, a `delayMs`, both, or a `response`. */
export interface Fault {
  /** The call that fails, by its name on the wire: `FetchX509SVID`, `FetchJWTSVID`, … */
  readonly method: string;
  /** Of this workload alone. Default: of every one. */
  readonly workload?: string;
  /** How many calls, or messages where `response` is given, it is for. Default 1. */
  readonly times?: number;
  /** Calls end with this status. */
  readonly code?: StatusName;
  /** The status's text. Default `injected fault`. */
  readonly details?: string;
  /** Calls are taken up, or refused, so much later. */
  readonly delayMs?: number;
  /** Sent in the place of a message, as it stands: a message of the service with something missing, or no message at all. */
  readonly response?: Uint8Array;
}

/** What happens to a call. */
export interface CallFault {
  readonly delayMs: number;
  readonly status?: { readonly code: status; readonly details: string };
}

/** The calls of the Workload API, by their names on the wire. */
export const METHODS: readonly string[] = Object.values(SpiffeWorkloadAPIService).map(({ path }) => methodOf(path));

/** The last part of a gRPC path. */
export function methodOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

const FIELDS = new Set(['method', 'workload', 'times', 'code', 'details', 'delayMs', 'response']);
const MAX_TIMES = 1_000_000;
const MAX_DELAY_MS = 3_600_000;
const NO_FAULT: CallFault = { delayMs: 0 };

/** The faults that wait. */
export class Faults {
  #waiting: { readonly fault: Fault; left: number }[] = [];

  inject(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** What happens to a call that begins. */
  takeForCall(workload: string, method: string): CallFault {
    const fault = this.#take(workload, method, ({ response }) => response === undefined);
    if (fault === undefined) return NO_FAULT;
    const { code, details = 'injected fault', delayMs = 0 } = fault;
    return { delayMs, ...(code === undefined ? {} : { status: { code: status[code], details } }) };
  }

  /** What goes out instead of a message, if anything does. */
  takeForMessage(workload: string, method: string): Uint8Array | undefined {
    return this.#take(workload, method, ({ response }) => response !== undefined)?.response;
  }

  #take(workload: string, method: string, fits: (fault: Fault) => boolean): Fault | undefined {
    const found = this.#waiting.find(
      ({ fault }) =>
        fault.method === method && (fault.workload === undefined || fault.workload === workload) && fits(fault),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left === 0) this.#waiting = this.#waiting.filter((each) => each !== found);
    return found.fault;
  }
}

/**
 * Checks a fault that came over the control socket or from a test.
 * @throws {DevTrustDomainError} `FAULT`, naming the field.
 */
export function parseFault(value: object): Fault {
  const unknown = Object.keys(value).find((field) => !FIELDS.has(field));
  if (unknown !== undefined) throw invalid('has a field that is not known', unknown);
  const { method, workload, times, code, details, delayMs, response } = value as Record<keyof Fault, unknown>;
  if ([code, delayMs, response].every((each) => each === undefined))
    throw invalid('must have a code, a delayMs or a response', undefined);
  if (response !== undefined && (code !== undefined || delayMs !== undefined))
    throw invalid('a response goes without code and delayMs', undefined);
  if (response !== undefined && !(response instanceof Uint8Array)) throw invalid('response must be bytes', response);
  return {
    method: parseMethod(method),
    ...(workload === undefined ? {} : { workload: parseText('workload', workload) }),
    ...(times === undefined ? {} : { times: parseWhole('times', times, 1, MAX_TIMES) }),
    ...(code === undefined ? {} : { code: parseStatusName(code) }),
    ...(details === undefined ? {} : { details: parseText('details', details) }),
    ...(delayMs === undefined ? {} : { delayMs: parseWhole('delayMs', delayMs, 0, MAX_DELAY_MS) }),
    ...(response === undefined ? {} : { response }),
  };
}

/** @throws {DevTrustDomainError} `FAULT` */
export function parseMethod(value: unknown): string {
  const method = METHODS.find((known) => known === value);
  if (method === undefined) throw invalid(`method must be one of ${METHODS.join(', ')}`, value);
  return method;
}

/** @throws {DevTrustDomainError} `FAULT` */
export function parseStatusName(value: unknown): StatusName {
  if (typeof value === 'string' && Number.isNaN(Number(value)) && Object.hasOwn(status, value))
    return value as StatusName;
  throw invalid('code must be the name of a gRPC status, such as UNAVAILABLE', value);
}

function parseText(name: string, value: unknown): string {
  if (typeof value !== 'string') throw invalid(`${name} must be a string`, value);
  return value;
}

function parseWhole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid(`${name} must be a whole number from ${least} to ${most}`, value);
}

function invalid(rule: string, got: unknown): DevTrustDomainError {
  const text = got === undefined ? '' : `, got ${quote(typeof got === 'string' ? got : JSON.stringify(got))}`;
  return new DevTrustDomainError('FAULT', `fault: ${rule}${text}`);
}
