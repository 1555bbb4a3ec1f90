/** The reader's place on the tour, remembered by the browser, and what steps have to remember while they are under way. */

import { useEffect, useState } from 'react';
import { create } from 'zustand';
import { BEGINNING, KEY, type Progress, readProgress, type StepId, withDone, writeProgress } from './progress.ts';

export interface TourState {
  readonly progress: Progress;
  /** Each workload's rotations when the fourth step was first shown. */
  readonly rotationsBefore?: Readonly<Record<string, number>>;
  /** Orders that had failed by then. */
  readonly failedBefore: number;
  /** The tour's own load is under way. */
  readonly loads: boolean;
  /** The grants' revision when the fifth step was first shown, and whether they have been other ones since. */
  readonly policy?: { readonly revision: string; readonly wasChanged: boolean };
}

export const useTour = create<TourState>(() => ({
  progress: readProgress(localStorage.getItem(KEY)),
  failedBefore: 0,
  loads: false,
}));

/** Moves, or notes what was done; remembered. */
export function travel(step: (progress: Progress) => Progress): void {
  const progress = step(useTour.getState().progress);
  localStorage.setItem(KEY, writeProgress(progress));
  useTour.setState({ progress });
}

/** Everything from the beginning; what was done before does not count. */
export function restart(): void {
  localStorage.removeItem(KEY);
  useTour.setState({ progress: BEGINNING, failedBefore: 0, loads: false }, true);
}

/** Notes that a step was done as soon as it is, by the tour's own button or by any other. */
export function useDone(step: StepId, isDone: boolean): void {
  useEffect(() => {
    if (isDone) travel((progress) => withDone(progress, step));
  }, [step, isDone]);
}

/** The value, once it is another one than when the step was shown: what was done before the step does not count. */
export function useFresh<T>(value: T): T | undefined {
  const [before] = useState(value);
  return value === before ? undefined : value;
}
