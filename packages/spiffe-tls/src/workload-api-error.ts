/**
 * From a gRPC status of the Workload API to our error, and to what the caller should do next (Workload Endpoint
 * section 6 and appendix A).
 */
import { status } from '@grpc/grpc-js';
import { quote, SpiffeTlsError } from './errors.ts';

/**
 * What a failure means: `denied`, there is no identity for this workload now; `fatal`, asking again can't help;
 * `unavailable`, ask again later.
 */
export type WorkloadApiFailureKind = 'denied' | 'fatal' | 'unavailable';

/** A failed or ended call. */
export interface WorkloadApiFailure {
  readonly kind: WorkloadApiFailureKind;
  readonly error: SpiffeTlsError;
}

/**
 * Translates the end of a call.
 * @param cause the error of the call; `undefined` when the server ended the stream with OK, which a watcher has to
 * survive just as it survives a crash.
 */
export function toWorkloadApiFailure(cause: unknown, method: string): WorkloadApiFailure {
  const { code, details } = readStatus(cause);
  const name = status[code] ?? String(code);
  const got = details === '' ? name : `${name}: ${details}`;
  const error = new SpiffeTlsError('WORKLOAD_API', `workload api: ${method} ended with ${quote(got)}`, {
    got: quote(got),
    ...(cause === undefined ? {} : { cause }),
  });
  return { kind: kindOf(code), error };
}

function kindOf(code: number): WorkloadApiFailureKind {
  if (code === status.PERMISSION_DENIED) return 'denied';
  if (code === status.INVALID_ARGUMENT || code === status.UNIMPLEMENTED) return 'fatal';
  return 'unavailable';
}

function readStatus(cause: unknown): { code: number; details: string } {
  if (cause === undefined) return { code: status.OK, details: 'the server closed the stream' };
  const code = property(cause, 'code');
  const details = property(cause, 'details') ?? property(cause, 'message');
  return {
    code: typeof code === 'number' ? code : status.UNKNOWN,
    details: typeof details === 'string' ? details : '',
  };
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
