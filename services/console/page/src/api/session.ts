/** The session, for views. */

import type { Ability } from '@countersign/local-stack/control';
import { useEffect } from 'react';
import { useStore } from 'zustand';
import { sessionStore } from './api.ts';
import type { SessionState } from './session-store.ts';

let watchers = 0;
let stop: (() => void) | undefined;

/** The session as it is; fetched when the first view asks, looked for again while the system's control is away. */
export function useSession(): SessionState {
  useEffect(() => {
    watchers += 1;
    stop ??= sessionStore.watch();
    return () => {
      watchers -= 1;
      if (watchers > 0) return;
      stop?.();
      stop = undefined;
    };
  }, []);
  return useStore(sessionStore.store);
}

/** Fetches the session again: the console may be another run of itself. Never rejects. */
export function reloadSession(): Promise<void> {
  return sessionStore.reload();
}

/** Why an ability is not there now, in one sentence; nothing when it is. */
export function useMissing(ability: Ability): string | undefined {
  return whyMissing(useSession(), ability);
}

function whyMissing(now: SessionState, ability: Ability): string | undefined {
  if (now.state === 'loading') return 'Waiting for the console to say what it can do.';
  if (now.state === 'failed') return now.message;
  if (now.stale !== undefined) return now.stale.detail;
  if (now.session.stack === undefined) {
    return 'The system’s control does not answer, so this page can only watch. It is there while npm start runs.';
  }
  const { abilities } = now.session.stack;
  return abilities[ability].there ? undefined : abilities[ability].why;
}
