/**
 * A source whose owner sets the identity by hand: for tests, for programs that hold an SVID already, and as the base of
 * other producers.
 */
import { SpiffeTlsError } from './errors.ts';
import { createSourceEvents } from './source-events.ts';
import { changedBetween } from './x509-context.ts';
import type { X509Context, X509Source } from './x509-source.ts';

/** A source and how to change it. */
export interface StaticX509Source extends X509Source {
  /**
   * Replaces the identity, also after `withdraw`. Subscribers are told only of a material change.
   * @throws {SpiffeTlsError} `SOURCE_CLOSED` after `close`.
   */
  update(context: X509Context): void;
  /** Takes the identity back: `current()` throws `error`, by default one with code `IDENTITY_WITHDRAWN`. */
  withdraw(error?: SpiffeTlsError): void;
  /** Forgets identity and subscribers; `current()` throws `SOURCE_CLOSED`. Idempotent. */
  close(): void;
}

type State =
  | { readonly type: 'ready'; readonly context: X509Context }
  | { readonly type: 'withdrawn'; readonly error: SpiffeTlsError }
  | { readonly type: 'closed'; readonly error: SpiffeTlsError };

/**
 * Makes a source that shows `context` until told otherwise.
 * @example
 * const source = createStaticX509Source(await fetchX509Context({ env: process.env }));
 */
export function createStaticX509Source(context: X509Context): StaticX509Source {
  const events = createSourceEvents();
  let state: State = { type: 'ready', context };
  return {
    current() {
      if (state.type === 'ready') return state.context;
      throw state.error;
    },
    subscribe: events.subscribe,
    update(next) {
      if (state.type === 'closed') throw state.error;
      const changed = state.type === 'ready' ? changedBetween(state.context, next) : { svid: true, bundles: true };
      if (!changed.svid && !changed.bundles) return;
      state = { type: 'ready', context: next };
      events.emit({ type: 'update', context: next, changed });
    },
    withdraw(error = new SpiffeTlsError('IDENTITY_WITHDRAWN', 'x509 source: the identity was withdrawn')) {
      if (state.type !== 'ready') return;
      state = { type: 'withdrawn', error };
      events.emit({ type: 'withdrawn', error });
    },
    close() {
      state = { type: 'closed', error: new SpiffeTlsError('SOURCE_CLOSED', 'x509 source: closed') };
      events.clear();
    },
  };
}
