/**
 * What exchanges about rotation share: which SVIDs peers presented to us, and calls until a new one has arrived.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { TestContext } from 'node:test';
import { type Peer, VERIFIED_CHANNEL, type VerifiedRecord } from '@countersign/spiffe-tls';

/** The peers that our side of one role verifies while the test runs, in order. */
export function presentedTo(t: TestContext, role: VerifiedRecord['role']): readonly Peer[] {
  const peers: Peer[] = [];
  const listener = (message: unknown) => {
    const record = message as VerifiedRecord;
    if (record.role === role) peers.push(record.peer);
  };
  subscribe(VERIFIED_CHANNEL, listener);
  t.after(() => unsubscribe(VERIFIED_CHANNEL, listener));
  return peers;
}

/** Calls, over a new connection each time, until the caller has seen what it waits for. */
export async function callUntil(call: () => Promise<unknown>, isDone: () => boolean): Promise<void> {
  do await call();
  while (!isDone());
}
