/**
 * Tells subscribers of a source what happened, in order, and publishes a summary on `diagnostics_channel`.
 */
import { channel } from 'node:diagnostics_channel';
import type { X509SourceEvent } from './x509-source.ts';

/** The `diagnostics_channel` on which every X.509 source of this process reports, as {@link X509SourceRecord}. */
export const SOURCE_CHANNEL = 'spiffe-tls:source';

/** What is published: facts for logs and metrics, without keys or certificates. */
export interface X509SourceRecord {
  /** As in the event. */
  readonly type: X509SourceEvent['type'];
  /** Of the identity in use; absent unless `type` is `update`. */
  readonly spiffeId?: string;
  /** Of the SVID now in use. */
  readonly serialNumber?: string;
  /** Since when it is valid. */
  readonly notBeforeMs?: number;
  /** Until when it is valid. */
  readonly notAfterMs?: number;
  /** Trust domains that have a bundle. */
  readonly trustDomains?: readonly string[];
  /** What is new in an update. */
  readonly changed?: { readonly svid: boolean; readonly bundles: boolean };
  /** Absent when `type` is `update`. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** A list of subscribers. */
export interface SourceEvents {
  subscribe(listener: (event: X509SourceEvent) => void): () => void;
  /** Delivers now, or after the event that is being delivered. */
  emit(event: X509SourceEvent): void;
  /** Forgets subscribers and undelivered events. */
  clear(): void;
}

/** Makes an empty list. Without `publish` the diagnostics channel is not told, for a source made of another one. */
export function createSourceEvents({ publish = true }: { readonly publish?: boolean } = {}): SourceEvents {
  const diagnostics = channel(SOURCE_CHANNEL);
  const listeners = new Set<{ readonly call: (event: X509SourceEvent) => void }>();
  const queue: X509SourceEvent[] = [];
  let delivering = false;

  function deliver(event: X509SourceEvent): void {
    if (publish && diagnostics.hasSubscribers) diagnostics.publish(toRecord(event));
    for (const listener of [...listeners]) {
      if (listeners.has(listener)) callSafely(() => listener.call(event));
    }
  }

  return {
    subscribe(listener) {
      const entry = { call: listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    emit(event) {
      queue.push(event);
      // A listener that causes the next event must not make the others see the two in the wrong order.
      if (delivering) return;
      delivering = true;
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) deliver(next);
      delivering = false;
    },
    clear() {
      listeners.clear();
      queue.length = 0;
    },
  };
}

/** A listener that throws is a bug: it surfaces as an uncaught exception, but the other listeners are still told. */
export function callSafely(call: () => void): void {
  try {
    call();
  } catch (cause) {
    queueMicrotask(() => {
      throw cause;
    });
  }
}

function toRecord(event: X509SourceEvent): X509SourceRecord {
  if (event.type !== 'update')
    return { type: event.type, error: { code: event.error.code, message: event.error.message } };
  const { svid, bundles } = event.context;
  return {
    type: 'update',
    spiffeId: svid.id.toString(),
    serialNumber: svid.leaf.serialNumber,
    notBeforeMs: svid.leaf.notBeforeMs,
    notAfterMs: svid.leaf.notAfterMs,
    trustDomains: Array.from(bundles.trustDomains(), String),
    changed: event.changed,
  };
}
