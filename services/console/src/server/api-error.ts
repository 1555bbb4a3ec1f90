/** What an answer says when something was wrong: one error with its problem, and one translation of all others. */
import { LocalStackError, type LocalStackErrorCode } from '@countersign/local-stack/control';
import { type Problem, toBodyProblem } from '@countersign/service-kit';

/** A request that ends with this problem. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Statuses of the control's errors; any other is 502, a failure behind the console. */
const STATUSES: ReadonlyMap<LocalStackErrorCode, number> = new Map([
  ['CONTROL_REQUEST', 400],
  ['WORKLOAD_UNKNOWN', 404],
  ['POLICY_CHANGED', 409],
  ['POLICY_REFUSED', 422],
  ['CONTROL_BUSY', 429],
  ['NOT_RUNNING', 503],
  ['CONTROL_TIMEOUT', 504],
]);

/** The problem that an error stands for; `undefined` for a bug. */
export function toProblem(error: unknown): Problem | undefined {
  if (error instanceof ApiError) return error.problem;
  if (error instanceof LocalStackError)
    return { status: STATUSES.get(error.code) ?? 502, detail: error.message, reason: error.code };
  return toBodyProblem(error);
}
