/**
 * The call being served: who makes it and what was decided. Held in an async context, so that handlers, logs and
 * downstream calls take it without being passed.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { VerifiedChain } from '@countersign/caller-chain';
import type { Peer } from '@countersign/spiffe-tls';
import { AuthzError } from './errors.ts';
import type { PolicyInput } from './policy-document.ts';
import type { Decision } from './policy-engine.ts';

/** A call that was allowed. */
export interface Call {
  /** The verified peer, as it was when the call was decided. */
  readonly peer: Peer;
  /** The verified caller chain; absent when the request carried none. */
  readonly chain?: VerifiedChain;
  /** The latest: of a call that is open for long it changes with the policy, and what it obliges to with it. */
  readonly decision: Decision;
  /** What the policy was asked when the call began. */
  readonly input: PolicyInput;
  /**
   * Aborts when the policy, asked again because it or the peer's verification has changed, refuses the call; the reason is
   * the refusal. A gRPC stream is then ended by its guard, and so is an HTTP response whose handler looked at this: asking
   * for it is what makes a response one that is decided again.
   */
  readonly revoked: AbortSignal;
}

const storage = new AsyncLocalStorage<Call>();
const byCarrier = new WeakMap<object, Call>();

/**
 * The call that the running code serves; `undefined` outside of a guarded handler. Holds in the handler, in what it awaits,
 * and in events of a gRPC call. Events of an HTTP request's own socket and body stream run outside of it: use {@link callOf}
 * there.
 */
export function currentCall(): Call | undefined {
  return storage.getStore();
}

/**
 * As {@link currentCall}, for code that must not run unguarded: what depends on a decision's obligations, say.
 * @throws {AuthzError} `NOT_IN_CALL` when the running code serves no call that was allowed.
 */
export function requireCall(): Call {
  const call = currentCall();
  if (call === undefined) throw new AuthzError('NOT_IN_CALL', 'call context: no decided call here: is it guarded?');
  return call;
}

/** The call that an HTTP request carries, once its guard has allowed it; `undefined` before, and for any other object. */
export function callOf(request: object): Call | undefined {
  return byCarrier.get(request);
}

/** Runs a function as part of a call. */
export function runInCall<T>(call: Call, run: () => T): T {
  return storage.run(call, run);
}

/** Ties a call to the request that carries it. */
export function bindCall(request: object, call: Call): void {
  byCarrier.set(request, call);
}
