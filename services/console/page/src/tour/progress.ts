/**
 * How far a reader has come on the tour: which step is shown and which are done. Data and its transitions; what is kept in the
 * browser is read with suspicion, since another version of this page may have written it.
 */

/** The steps, in order. */
export const STEPS = ['look', 'order', 'rogue', 'rotate', 'policy', 'next'] as const;

export type StepId = (typeof STEPS)[number];

/** Where the reader is. */
export interface Progress {
  readonly at: StepId;
  /** Steps whose deed was seen. */
  readonly done: readonly StepId[];
}

/** Where everybody begins. */
export const BEGINNING: Progress = { at: 'look', done: [] };

export const KEY = 'countersign.tour.progress';

/** The step was done; it stays shown, so that the reader can see what it did. */
export function withDone(progress: Progress, step: StepId): Progress {
  if (progress.done.includes(step)) return progress;
  return { ...progress, done: STEPS.filter((each) => each === step || progress.done.includes(each)) };
}

/** The step after, or the same at the end. */
export function onward(progress: Progress): Progress {
  return moveBy(progress, 1);
}

/** The step before, or the same at the beginning. */
export function back(progress: Progress): Progress {
  return moveBy(progress, -1);
}

/** Any step: the list of steps is a list of buttons. */
export function goTo(progress: Progress, at: StepId): Progress {
  return { ...progress, at };
}

function moveBy(progress: Progress, by: number): Progress {
  const at = STEPS[STEPS.indexOf(progress.at) + by];
  return at === undefined ? progress : goTo(progress, at);
}

/** For the browser's storage. */
export function writeProgress(progress: Progress): string {
  return JSON.stringify(progress);
}

/** From the browser's storage; the beginning when it is not what this page writes. */
export function readProgress(stored: string | null): Progress {
  if (stored === null) return BEGINNING;
  try {
    const value: unknown = JSON.parse(stored);
    if (typeof value !== 'object' || value === null || !('at' in value) || !('done' in value)) return BEGINNING;
    const { at, done } = value;
    const step = STEPS.find((each) => each === at);
    if (step === undefined || !Array.isArray(done)) return BEGINNING;
    return { at: step, done: STEPS.filter((each) => done.includes(each)) };
  } catch {
    return BEGINNING;
  }
}
