/** One button's request: whether it runs, what came of it, and no promise that anybody would have to catch. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { type ApiProblem, isAbort, toProblem } from './problem.ts';

/** What a view shows of an action. */
export interface ActionState<T> {
  readonly pending: boolean;
  readonly result?: T;
  readonly problem?: ApiProblem;
}

/** An action and its outcome. */
export interface Action<A extends readonly unknown[], T> extends ActionState<T> {
  /** Does nothing while it runs already. Resolves with the result, or nothing when it failed; never rejects. */
  readonly run: (...args: A) => Promise<T | undefined>;
  readonly reset: () => void;
}

/** The signal is aborted when the view goes and when it is reset; what changes state need not listen. */
export function useAction<A extends readonly unknown[], T>(
  perform: (signal: AbortSignal, ...args: A) => Promise<T>,
): Action<A, T> {
  const [state, setState] = useState<ActionState<T>>({ pending: false });
  const running = useRef<AbortController>(undefined);
  const latest = useRef(perform);
  useEffect(() => {
    latest.current = perform;
  });
  useEffect(() => () => running.current?.abort(), []);

  const run = useCallback(async (...args: A): Promise<T | undefined> => {
    if (running.current !== undefined) return undefined;
    const controller = new AbortController();
    running.current = controller;
    setState({ pending: true });
    try {
      const result = await latest.current(controller.signal, ...args);
      if (!controller.signal.aborted) setState({ pending: false, result });
      return result;
    } catch (error) {
      if (!controller.signal.aborted || !isAbort(error)) setState({ pending: false, problem: toProblem(error) });
      return undefined;
    } finally {
      if (running.current === controller) running.current = undefined;
    }
  }, []);

  const reset = useCallback(() => {
    running.current?.abort();
    running.current = undefined;
    setState({ pending: false });
  }, []);
  return { ...state, run, reset };
}
