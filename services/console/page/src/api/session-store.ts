/**
 * The session: the token that requests carry, and what this console can do. Fetched when the first view asks, again when the
 * token was refused or the stream of events came back, and every few seconds while the system's control is away.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { IdentityResult, Session } from '../../../src/wire/actions.ts';
import { type ApiProblem, toProblem } from './problem.ts';

/** What views see of it. `stale`: why it could not be fetched again; the one from before is shown till then. */
export type SessionState =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly session: Session; readonly stale?: ApiProblem }
  | { readonly state: 'failed'; readonly message: string };

/** The session and its refreshing. */
export interface SessionStore {
  readonly store: StoreApi<SessionState>;
  /** Resolves when it is known better; never rejects. */
  reload(): Promise<void>;
  /** The token in use; a new one when `fresh`. @throws whatever fetching it did */
  token(fresh: boolean): Promise<string>;
  /** Takes over what an operation on identities answered. */
  learn(result: IdentityResult): void;
  /** Looks again every few seconds while there is something to wait for. @returns ends it */
  watch(): () => void;
}

const LOOK_AGAIN_MS = 3_000;

export function createSessionStore(load: () => Promise<Session>): SessionStore {
  const store = createStore<SessionState>(() => ({ state: 'loading' }));
  let loading: Promise<Session> | undefined;
  // Views that ask at the same time share one request.
  const fetchOnce = (): Promise<Session> => {
    loading ??= fetchInto(store, load).finally(() => {
      loading = undefined;
    });
    return loading;
  };
  const reload = () => fetchOnce().then(nothing, nothing);
  return {
    store,
    reload,
    async token(fresh) {
      const now = store.getState();
      return fresh || now.state !== 'ready' ? (await fetchOnce()).token : now.session.token;
    },
    learn({ workloads, federation }) {
      const now = store.getState();
      if (now.state !== 'ready' || now.session.stack === undefined) return;
      const stack = { ...now.session.stack, workloads, federation };
      store.setState({ ...now, session: { ...now.session, stack } }, true);
    },
    watch() {
      const look = () => {
        if (needsLook(store.getState())) void reload();
      };
      look();
      const timer = setInterval(look, LOOK_AGAIN_MS);
      return () => clearInterval(timer);
    },
  };
}

function needsLook(now: SessionState): boolean {
  return now.state !== 'ready' || now.stale !== undefined || now.session.stack === undefined;
}

async function fetchInto(store: StoreApi<SessionState>, load: () => Promise<Session>): Promise<Session> {
  try {
    const session = await load();
    store.setState({ state: 'ready', session }, true);
    return session;
  } catch (error) {
    const problem = toProblem(error);
    const now = store.getState();
    store.setState(
      now.state === 'ready' ? { ...now, stale: problem } : { state: 'failed', message: problem.detail },
      true,
    );
    throw error;
  }
}

function nothing(): void {}
