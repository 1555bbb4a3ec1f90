/** A failed gRPC call as an HTTP problem: the one translation from one to the other. */
import { type ServiceError, status as Status } from '@grpc/grpc-js';
import { detailsOf } from './grpc-error.ts';
import type { Problem } from './problem.ts';

/** What the status means to somebody who asked over HTTP. What is not listed is the called service's fault: 502. */
const HTTP_STATUS: Readonly<Partial<Record<Status, number>>> = {
  [Status.INVALID_ARGUMENT]: 400,
  [Status.PERMISSION_DENIED]: 403,
  [Status.NOT_FOUND]: 404,
  [Status.ALREADY_EXISTS]: 409,
  [Status.RESOURCE_EXHAUSTED]: 429,
  [Status.UNAVAILABLE]: 503,
  [Status.DEADLINE_EXCEEDED]: 504,
};

/** Statuses that this process's own gRPC library makes up, with texts about addresses and causes. */
const OWN_WORDS: Readonly<Partial<Record<Status, string>>> = {
  [Status.UNAVAILABLE]: 'The next service can not be reached, or is not who it must be.',
  [Status.DEADLINE_EXCEEDED]: 'The answer did not come in time.',
};

/**
 * Translates.
 * @param development keeps the library's own words, which say *expected X, got Y* about a server that was refused
 */
export function grpcToHttpProblem(error: ServiceError, development = false): Problem {
  const { reason, field, decisionId } = detailsOf(error);
  const status = HTTP_STATUS[error.code] ?? 502;
  const text = status === 502 ? 'The next service failed.' : (OWN_WORDS[error.code] ?? error.details);
  return {
    status,
    detail: development ? error.details : text,
    reason: reason ?? (field === undefined ? Status[error.code] : 'FIELD_INVALID'),
    field,
    decision_id: decisionId,
  };
}
