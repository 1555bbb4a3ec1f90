/** How many answers may be streams at the same time: each holds a connection for as long as its reader likes. */
import type { ServerResponse } from 'node:http';
import { sendProblem } from './problem.ts';

/**
 * Makes the function that runs a stream while fewer than `most` are open, and refuses with 503 otherwise. It resolves when the
 * stream has ended.
 */
export function createStreamLimit(most: number) {
  let open = 0;
  return async (response: ServerResponse, run: () => Promise<void>): Promise<void> => {
    if (open >= most) {
      sendProblem(response, { status: 503, detail: 'Too many streams are open.', reason: 'TOO_MANY_STREAMS' });
      return;
    }
    open += 1;
    try {
      await run();
    } finally {
      open -= 1;
    }
  };
}
