/**
 * One change at a time: whoever asks for a second one waits until the first is done, and is refused when too many wait.
 */
import { LocalStackError } from '../errors.ts';

/** Adds a change; settles with it. A failed change does not stop those behind it. */
export type ChangeQueue = <Result>(change: () => Promise<Result>) => Promise<Result>;

/**
 * Makes an empty queue.
 * @param maxWaiting how many may wait for the change that is made; more are refused with `CONTROL_BUSY`
 */
export function createChangeQueue(maxWaiting: number): ChangeQueue {
  let last: Promise<unknown> = Promise.resolve();
  let underWay = 0;
  return (change) => {
    if (underWay > maxWaiting)
      return Promise.reject(
        new LocalStackError(
          'CONTROL_BUSY',
          `${maxWaiting} changes wait for the one that is made; try again in a moment`,
        ),
      );
    underWay += 1;
    const next = last.then(change).finally(() => {
      underWay -= 1;
    });
    last = next.catch(() => {});
    return next;
  };
}
