/**
 * A refusal as an HTTP answer: RFC 9457 problem details. The one translation to HTTP.
 */
import type { ServerResponse } from 'node:http';
import type { Refusal } from './authorize-call.ts';
import { type DevelopmentDetails, developmentDetails } from './development-details.ts';

/** Body of the answer. */
export interface HttpProblem extends DevelopmentDetails {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  /** What the caller can do about it. */
  readonly detail: string;
  readonly code: Refusal['code'];
  readonly decision_id: string;
}

const ANSWERS = {
  unauthenticated: {
    status: 401,
    title: 'Unauthorized',
    detail: 'The connection has no verified SPIFFE ID, or has one no longer: connect anew with a valid X.509-SVID.',
  },
  chain: { status: 401, title: 'Unauthorized', detail: 'The caller chain of the request does not verify.' },
  malformed: { status: 400, title: 'Bad Request', detail: 'The path of the request is not acceptable.' },
  denied: { status: 403, title: 'Forbidden', detail: 'The policy does not allow this call.' },
  unavailable: { status: 503, title: 'Service Unavailable', detail: 'No decision could be made: try again later.' },
} as const;

/** What the peer is told: a code and the decision's ID; in development also which rule refused, and what to do. */
export function toHttpProblem(refusal: Refusal, development = false): HttpProblem {
  const { kind, code, decisionId } = refusal;
  const inDevelopment = development ? developmentDetails(refusal) : {};
  return { type: 'about:blank', ...ANSWERS[kind], code, decision_id: decisionId, ...inDevelopment };
}

/** Sends a problem and ends the response. */
export function sendHttpProblem(response: ServerResponse, problem: HttpProblem): void {
  response.statusCode = problem.status;
  response.setHeader('Content-Type', 'application/problem+json');
  response.setHeader('Cache-Control', 'no-store');
  // RFC 9110, 15.5.2 demands a challenge; no registered scheme stands for a client certificate, or for a chain.
  if (problem.status === 401)
    response.setHeader('WWW-Authenticate', problem.code === 'PEER_NOT_VERIFIED' ? 'X509-SVID' : 'Caller-Chain');
  if (problem.status === 503) response.setHeader('Retry-After', '1');
  response.end(JSON.stringify(problem));
}
