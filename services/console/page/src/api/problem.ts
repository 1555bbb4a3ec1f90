/** What the page knows of a request that came to nothing: the console's problem, or why there was no answer at all. */
import type { Problem } from '../../../src/wire/actions.ts';

/** A request that failed. The message is the problem's `detail`, fit to be shown. */
export class ApiProblem extends Error implements Problem {
  override readonly name = 'ApiProblem';
  /** HTTP status; 0 when nothing was answered. */
  readonly status: number;
  readonly detail: string;
  readonly reason?: string;
  readonly expected?: string;
  readonly got?: string;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.status = problem.status;
    this.detail = problem.detail;
    if (problem.reason !== undefined) this.reason = problem.reason;
    if (problem.expected !== undefined) this.expected = problem.expected;
    if (problem.got !== undefined) this.got = problem.got;
  }

  /** Whether the console refused the token of an earlier run of itself. */
  get isStaleToken(): boolean {
    return this.status === 403 && (this.reason?.startsWith('TOKEN_') ?? false);
  }
}

/** Any failure as a problem, so that no view has to tell them apart. */
export function toProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new ApiProblem(
      {
        status: 0,
        reason: 'TIMEOUT',
        detail: 'No answer came in time. It may still have happened: look before you repeat it.',
      },
      { cause: error },
    );
  }
  if (error instanceof TypeError) {
    return new ApiProblem(
      { status: 0, reason: 'UNREACHABLE', detail: 'The console does not answer. Is `npm start` still running?' },
      { cause: error },
    );
  }
  const detail = error instanceof Error ? error.message : String(error);
  return new ApiProblem({ status: 0, reason: 'UNEXPECTED', detail }, { cause: error });
}

/** Whether a failure only means that nobody waits for the answer any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
