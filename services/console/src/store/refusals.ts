/**
 * The latest refusals. One refused call is told of several times: by the record of who refused, by the records of those
 * that passed the refusal on to their own callers, and by the decision log. It is one refusal here: records of one decision,
 * or of one trace and code, belong together. Who refused is whose own record it is; a record that passes one on waits a
 * moment for it, since another process sends it.
 */
import type { Refusal } from '../wire/model.ts';
import { LIMITS } from './limits.ts';
import type { Revision } from './revision.ts';
import { createTracked, type Tracked } from './tracked.ts';

export type NewRefusal = Omit<Refusal, 'seq'>;

export interface Refusals {
  readonly tracked: Tracked<Refusal>;
  /** Takes the record of who refused. @returns the refusal's number */
  add(refusal: NewRefusal): number;
  /** Takes a record that passes a refusal on. */
  addPassedOn(refusal: NewRefusal, nowMs: number): void;
  /** Shows what was passed on and whose own record has not come. */
  tick(nowMs: number): void;
}

/** Two batches of an exporter, and some. */
const WAIT_MS = 2_000;

/** @param onNew told of each refusal once, when it is shown */
export function createRefusals(revision: Revision, onNew: (refusal: Refusal) => void): Refusals {
  const tracked = createTracked<Refusal>(revision);
  const byKey = new Map<string, number>();
  const waiting = new Map<string, { readonly refusal: NewRefusal; readonly since: number }>();
  /** Shown without the record of who refused. */
  const passedOn = new Set<number>();
  let latest = 0;

  function add(refusal: NewRefusal): number {
    const keys = keysOf(refusal);
    for (const key of keys) waiting.delete(key);
    const known = keys.map((key) => byKey.get(key)).find((seq) => seq !== undefined);
    const before = known === undefined ? undefined : tracked.get(String(known));
    if (before === undefined) return show(refusal, keys);
    // Of two own records the innermost was first: those above it answer after it.
    if (passedOn.delete(before.seq) || refusal.at < before.at)
      tracked.set(String(before.seq), { ...refusal, seq: before.seq });
    for (const key of keys) byKey.set(key, before.seq);
    return before.seq;
  }

  function show(refusal: NewRefusal, keys: readonly string[]): number {
    latest += 1;
    const shown = { ...refusal, seq: latest };
    tracked.set(String(latest), shown);
    for (const key of keys) byKey.set(key, latest);
    forgetOldest();
    onNew(shown);
    return latest;
  }

  function forgetOldest(): void {
    const oldest = latest - LIMITS.refusals;
    const forgotten = tracked.get(String(oldest));
    if (forgotten === undefined) return;
    tracked.delete(String(oldest));
    passedOn.delete(oldest);
    for (const key of keysOf(forgotten)) if (byKey.get(key) === oldest) byKey.delete(key);
  }

  return {
    tracked,
    add,
    addPassedOn(refusal, nowMs) {
      const keys = keysOf(refusal);
      const [key] = keys;
      if (key === undefined || waiting.size >= LIMITS.passedOn || keys.some((each) => byKey.has(each))) return;
      const before = keys.map((each) => waiting.get(each)).find((each) => each !== undefined);
      if (before === undefined) waiting.set(key, { refusal, since: nowMs });
      else if (refusal.at < before.refusal.at) waiting.set(key, { refusal, since: before.since });
    },
    tick(nowMs) {
      for (const [key, { refusal, since }] of waiting) {
        if (since > nowMs - WAIT_MS) continue;
        waiting.delete(key);
        passedOn.add(show(refusal, keysOf(refusal)));
      }
    },
  };
}

/** What makes two records one refusal. A refused handshake has neither, and one record. */
function keysOf({ decisionId, traceId, code }: NewRefusal): string[] {
  const keys = decisionId === undefined ? [] : [`decision ${decisionId}`];
  return traceId === undefined ? keys : [...keys, `trace ${traceId} ${code}`];
}
