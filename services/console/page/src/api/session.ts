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

/** There the page has no controls; commands, which are Tilt's buttons as well, do the same. */
const ON_A_CLUSTER: Readonly<Record<Ability, string>> = {
  identity: 'on a cluster, `npm run kind -- rotate` and `roll-ca` do this, as do Tilt’s buttons.',
  federation: 'on a cluster, `npm run kind -- federate` and `unfederate` do this, as do Tilt’s buttons.',
  attacks: 'on a cluster, `npm run kind -- rogue add` lets one in to try.',
  policy: 'on a cluster, `npm run kind -- policy swap` and `policy restore` do this, as do Tilt’s buttons.',
};

function whyMissing(now: SessionState, ability: Ability): string | undefined {
  if (now.state === 'loading') return 'Waiting for the console to say what it can do.';
  if (now.state === 'failed') return now.message;
  if (now.stale !== undefined) return now.stale.detail;
  if (now.session.stack === undefined) {
    return `The system’s control does not answer, so this page can only watch. It is there while \`npm start\` runs; ${ON_A_CLUSTER[ability]}`;
  }
  const { abilities } = now.session.stack;
  return abilities[ability].there ? undefined : abilities[ability].why;
}
