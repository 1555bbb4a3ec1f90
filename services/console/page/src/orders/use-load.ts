/** The slider's side of the steady load: the last wish wins, however quickly it moves. */
import { useEffect, useRef, useState } from 'react';
import type { LoadState } from '../../../src/wire/actions.ts';
import { api } from '../api/api.ts';
import type { ApiProblem } from '../api/problem.ts';
import { useAction } from '../api/use-action.ts';
import { useLive } from '../live/live-store.ts';

export interface Load {
  /** As the console says it is. */
  readonly load: LoadState;
  /** Where the slider stands. */
  readonly value: number;
  readonly problem?: ApiProblem;
  /** While it is dragged. */
  readonly move: (value: number) => void;
  /** When it is let go, or by a button. */
  readonly ask: (value: number) => void;
}

export function useLoad(): Load {
  const load = useLive((live) => live.load);
  const [wish, setWish] = useState<number>();
  const latest = useRef<number>(undefined);
  const { run, problem } = useAction((_signal, perSecond: number) => api.load({ perSecond }));

  const send = async (perSecond: number) => {
    const busy = latest.current !== undefined;
    latest.current = perSecond;
    if (busy) return;
    let asked: number;
    let told: LoadState | undefined;
    do {
      asked = latest.current;
      told = await run(asked);
    } while (latest.current !== asked);
    latest.current = undefined;
    // Else the stream says so with its next patch: until then the slider must not jump back to the former rate.
    if (told?.perSecond !== asked) setWish(undefined);
  };
  useEffect(() => {
    if (latest.current === undefined && wish === load.perSecond) setWish(undefined);
  }, [wish, load.perSecond]);
  return {
    load,
    value: wish ?? load.perSecond,
    ...(problem === undefined ? {} : { problem }),
    move: setWish,
    ask(value) {
      setWish(value);
      void send(value);
    },
  };
}
