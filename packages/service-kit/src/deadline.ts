/**
 * Deadlines that shrink hop by hop. Over gRPC the deadline travels as `grpc-timeout`, over HTTP in a header of our own
 * with the milliseconds that are left (a duration, because clocks differ). Each hop keeps a little for itself, so that the
 * innermost one gives up first and the outer ones can still say what happened.
 */
import type { IncomingHttpHeaders } from 'node:http';

/** Moment, in milliseconds since the epoch, after which nobody waits for the answer any more. */
export type DeadlineMs = number;

/** HTTP request header with the milliseconds that the caller still waits: `countersign-timeout-ms: 2950`. */
export const TIMEOUT_HEADER = 'countersign-timeout-ms';

/** The longest that any call but a stream takes. */
export const CALL_TIMEOUT_MS = 3_000;

/** What a hop keeps of its caller's time. */
const HOP_MARGIN_MS = 50;

/** The deadline of a call that begins here. */
export function startDeadline(timeoutMs = CALL_TIMEOUT_MS): DeadlineMs {
  return Date.now() + timeoutMs;
}

/** The deadline of a call received over HTTP: what its header says, at most {@link CALL_TIMEOUT_MS}; a senseless header is ignored. */
export function deadlineOfHeaders(headers: IncomingHttpHeaders): DeadlineMs {
  const text = headers[TIMEOUT_HEADER];
  const timeoutMs = typeof text === 'string' && /^\d{1,8}$/.test(text) ? Number(text) : CALL_TIMEOUT_MS;
  return startDeadline(Math.min(timeoutMs, CALL_TIMEOUT_MS));
}

/** The deadline of a call received over gRPC, at most {@link CALL_TIMEOUT_MS} from now. */
export function deadlineOfCall(call: { getDeadline(): Date | number }): DeadlineMs {
  return Math.min(Number(call.getDeadline()), startDeadline());
}

/** The deadline for the next hop. */
export function nextHopDeadline(deadline: DeadlineMs): DeadlineMs {
  return deadline - HOP_MARGIN_MS;
}

/** What is left, never less than zero. */
export function remainingMs(deadline: DeadlineMs): number {
  return Math.max(0, deadline - Date.now());
}
