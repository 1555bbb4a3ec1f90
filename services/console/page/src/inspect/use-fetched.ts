/** Something fetched for a view: loading, there, or why not; fetched again when its key changes, the old one shown till then. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { type ApiProblem, isAbort, toProblem } from '../api/index.ts';

export type Fetched<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly problem: ApiProblem };

/** @param key of what is fetched: another key, another fetching */
export function useFetched<T>(
  key: string,
  fetch: (signal: AbortSignal) => Promise<T>,
): readonly [Fetched<T>, () => void] {
  const [fetched, setFetched] = useState<Fetched<T>>({ state: 'loading' });
  const [tries, setTries] = useState(0);
  const latest = useRef(fetch);
  useEffect(() => {
    latest.current = fetch;
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another key or another try is the reason to fetch
  useEffect(() => {
    const controller = new AbortController();
    latest.current(controller.signal).then(
      (value) => setFetched({ state: 'ready', value }),
      (error: unknown) => {
        if (!isAbort(error)) setFetched({ state: 'failed', problem: toProblem(error) });
      },
    );
    return () => controller.abort();
  }, [key, tries]);
  const again = useCallback(() => {
    setFetched({ state: 'loading' });
    setTries((done) => done + 1);
  }, []);
  return [fetched, again];
}
