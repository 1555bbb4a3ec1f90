/**
 * Notices an address that does not answer. grpc-js leaves the time that connecting may take to the kernel, which tries for two
 * minutes, and looks a name up again only when that has failed: a name that leads elsewhere by then would not help.
 */
import type { ChannelOptions } from '@grpc/grpc-js';
import type { Clock } from './clock.ts';

/** How long the network may take to connect or to refuse, in milliseconds. */
const CONNECT_TIMEOUT_MS = 10_000;
/** grpc-js makes waits longer by up to a fifth. */
const JITTER = 1.2;

/** The attempts to reach one address, which are made one after the other. */
export interface ConnectWatch {
  /** An attempt begins. That it failed is told by the next alone. */
  begin(): void;
  /** It is connected, or nobody tries any more. */
  end(): void;
}

/** @param onSilent called when an attempt began `silentAfterMs` ago and nothing was heard since */
export function createConnectWatch(clock: Clock, silentAfterMs: number, onSilent: () => void): ConnectWatch {
  let cancel = () => {};
  return {
    begin() {
      cancel();
      cancel = clock.schedule(silentAfterMs, onSilent);
    },
    end: () => cancel(),
  };
}

/** After this time an attempt is still under way: one that was refused would have been followed by another. */
export function silenceOf({ 'grpc.max_reconnect_backoff_ms': backoffMs = 0 }: ChannelOptions): number {
  return CONNECT_TIMEOUT_MS + JITTER * backoffMs;
}
