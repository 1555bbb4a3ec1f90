/**
 * The states of a Workload API source and the one function that moves between them. Pure: what has to happen in the
 * world is returned as effects, so each transition can be tested without a socket or a clock.
 */
import { SpiffeTlsError } from './errors.ts';
import type { WorkloadApiFailure } from './workload-api-error.ts';
import { changedBetween, sameCrls } from './x509-context.ts';
import type { X509Context, X509SourceEvent } from './x509-source.ts';

/** Where a source stands. */
export type SourceState =
  /** No identity yet. */
  | { readonly type: 'waiting'; readonly lastError?: SpiffeTlsError }
  /** An identity is in use; `lastError` is set while the API is unreachable or its last message was bad. */
  | { readonly type: 'ready'; readonly context: X509Context; readonly lastError?: SpiffeTlsError }
  /** The API denies; the identity stays in use until the grace period ends. */
  | { readonly type: 'denied'; readonly context: X509Context; readonly lastError: SpiffeTlsError }
  /** Nothing may be presented. The watch goes on, so a new registration brings the identity back. */
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError; readonly lastError: SpiffeTlsError }
  /** The API will not be asked again; an identity that was not denied stays in use. */
  | { readonly type: 'stopped'; readonly context?: X509Context; readonly lastError: SpiffeTlsError }
  | { readonly type: 'closed'; readonly error: SpiffeTlsError };

/** What can happen to a source. */
export type SourceInput =
  | { readonly type: 'context'; readonly context: X509Context }
  /** A message that breaks a rule: discarded (Workload API section 4.5). */
  | { readonly type: 'bad-message'; readonly error: SpiffeTlsError }
  /** A valid message in which the identity this source is for is absent, that is, redacted (section 4.4). */
  | { readonly type: 'no-identity'; readonly error: SpiffeTlsError }
  | { readonly type: 'failure'; readonly failure: WorkloadApiFailure }
  | { readonly type: 'grace-over' }
  | { readonly type: 'close'; readonly error: SpiffeTlsError };

/** What the owner of the state has to do, in order. */
export type SourceEffect =
  | { readonly type: 'emit'; readonly event: X509SourceEvent }
  | { readonly type: 'start-grace' }
  | { readonly type: 'cancel-grace' };

/** The next state and what it takes. */
export interface SourceTransition {
  readonly state: SourceState;
  readonly effects: readonly SourceEffect[];
}

/** Moves a source on. `closed` is final; `stopped` can only be closed. */
export function transition(state: SourceState, input: SourceInput): SourceTransition {
  if (state.type === 'closed') return stay(state);
  if (input.type === 'close') return to({ type: 'closed', error: input.error }, { type: 'cancel-grace' });
  if (state.type === 'stopped') return stay(state);
  switch (input.type) {
    case 'context':
      return acceptContext(state, input.context);
    case 'bad-message':
      return to({ ...state, lastError: input.error }, ...report(state, input.error));
    case 'no-identity':
      return state.type === 'waiting'
        ? to({ ...state, lastError: input.error }, ...report(state, input.error))
        : withdraw(state, input.error);
    case 'grace-over':
      return state.type === 'denied' ? withdraw(state, withdrawnError(state.lastError)) : stay(state);
    case 'failure':
      return acceptFailure(state, input.failure);
  }
}

type LiveState = Exclude<SourceState, { type: 'closed' | 'stopped' }>;

function acceptContext(state: LiveState, context: X509Context): SourceTransition {
  const before = state.type === 'ready' || state.type === 'denied' ? state.context : undefined;
  const changed = before === undefined ? { svid: true, bundles: true } : changedBetween(before, context);
  const effects: SourceEffect[] = state.type === 'denied' ? [{ type: 'cancel-grace' }] : [];
  // A reconnect brings the same material again: the old snapshot stays, so nobody rebuilds a TLS context for nothing.
  if (before !== undefined && !changed.svid && !changed.bundles && sameCrls(before, context))
    return to({ type: 'ready', context: before }, ...effects);
  return to({ type: 'ready', context }, ...effects, { type: 'emit', event: { type: 'update', context, changed } });
}

function acceptFailure(state: LiveState, { kind, error }: WorkloadApiFailure): SourceTransition {
  if (kind === 'fatal') return stop(state, error);
  if (kind === 'unavailable' || state.type === 'waiting' || state.type === 'withdrawn') {
    return to({ ...state, lastError: error }, ...report(state, error));
  }
  const denied: SourceState = { type: 'denied', context: state.context, lastError: error };
  return state.type === 'denied' ? to(denied) : to(denied, ...report(state, error), { type: 'start-grace' });
}

/** Asking again can't help. An identity under grace goes at once: nobody is left who could confirm it. */
function stop(state: LiveState, error: SpiffeTlsError): SourceTransition {
  if (state.type === 'ready')
    return to({ type: 'stopped', context: state.context, lastError: error }, ...report(state, error));
  const stopped: SourceState = { type: 'stopped', lastError: error };
  if (state.type !== 'denied') return to(stopped, ...report(state, error));
  return to(
    stopped,
    { type: 'cancel-grace' },
    { type: 'emit', event: { type: 'withdrawn', error: withdrawnError(error) } },
  );
}

function withdraw(state: LiveState, error: SpiffeTlsError): SourceTransition {
  const withdrawn: SourceState = { type: 'withdrawn', error, lastError: error };
  if (state.type === 'withdrawn') return to(withdrawn);
  return to(withdrawn, { type: 'cancel-grace' }, { type: 'emit', event: { type: 'withdrawn', error } });
}

function withdrawnError(cause: SpiffeTlsError): SpiffeTlsError {
  return new SpiffeTlsError(
    'IDENTITY_WITHDRAWN',
    'x509 source: the issuer took the identity back; it is used again once the workload is registered',
    { cause },
  );
}

/** The same failure again and again, as while an agent is down, is told once. */
function report(state: LiveState, error: SpiffeTlsError): SourceEffect[] {
  if (state.lastError?.message === error.message) return [];
  return [{ type: 'emit', event: { type: 'error', error } }];
}

function stay(state: SourceState): SourceTransition {
  return { state, effects: [] };
}

function to(state: SourceState, ...effects: SourceEffect[]): SourceTransition {
  return { state, effects };
}
