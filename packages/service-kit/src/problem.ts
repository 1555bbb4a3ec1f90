/**
 * Errors over HTTP as `application/problem+json` (RFC 9457).
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { recordRefusal } from '@countersign/telemetry';
import { explainAnswer } from './explain-answer.ts';

/** A problem document. */
export interface Problem {
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** What went wrong in this case, for people. */
  readonly detail: string;
  /** Upper-case constant, for programs. */
  readonly reason?: string | undefined;
  /** The request's field that is wrong. */
  readonly field?: string | undefined;
  /** What would have been accepted, and what came, quoted and cut: for the log alone, no answer has them. */
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  /** Finds the decision in the log. */
  readonly decision_id?: string | undefined;
  /** Finds the request in logs and traces. */
  readonly trace_id?: string | undefined;
}

/**
 * Sends a problem, unless an answer has begun: then the connection is cut, so that it can't pass for a whole one. A problem
 * whose reason is a refusal's code is explained in the log line and the span of the request.
 */
export function sendProblem(response: ServerResponse, { expected, got, ...problem }: Problem): void {
  const refusal = explainAnswer({ ...problem, expected, got });
  if (refusal !== undefined) recordRefusal(refusal);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const document = { type: 'about:blank', title: STATUS_CODES[problem.status] ?? 'Error', ...problem };
  response.statusCode = problem.status;
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('cache-control', 'no-store');
  response.end(JSON.stringify(document));
}
