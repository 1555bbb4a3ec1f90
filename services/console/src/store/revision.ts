/** Counts changes of the model, so that a stream can ask for what came after the last one it saw. */
export interface Revision {
  /** Of the latest change. */
  readonly current: number;
  next(): number;
}

export function createRevision(): Revision {
  let current = 0;
  return {
    get current() {
      return current;
    },
    next: () => ++current,
  };
}
