/**
 * Runs steps one after another: what changes CA, registrations or SVIDs goes through one queue, so that no step sees
 * another one half done.
 */

/** Adds a step; settles with it. A failed step does not stop those behind it. */
export type Queue = <Result>(step: () => Promise<Result>) => Promise<Result>;

/** Makes an empty queue. */
export function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (step) => {
    const next = last.then(step, step);
    last = next.catch(() => {});
    return next;
  };
}
