/** What an answer says beyond code and decision ID, in development alone: the same fields over HTTP and gRPC. */
import type { Refusal } from './authorize-call.ts';

/** All absent outside of development. */
export interface DevelopmentDetails {
  /** The policy's word for why. */
  readonly reason?: string;
  readonly rule?: string;
  readonly expected?: string;
  readonly got?: string;
  /** What to look at, or to run. */
  readonly remedy?: string;
}

/** Call it only where development was asked for: what a grant would have to look like is in it. */
export function developmentDetails({ decision, explanation }: Refusal): DevelopmentDetails {
  const { rule, expected, got, remedy } = explanation;
  return {
    ...(decision === undefined ? {} : { reason: decision.reason }),
    rule,
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    remedy,
  };
}
