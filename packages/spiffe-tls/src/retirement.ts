/**
 * When a client gives up the connections that it made with its former SVID: at a random moment inside a window, so that
 * not every client of a server reconnects at once. A change of the authority that signs leaves less time: servers refuse
 * requests over such connections from the moment at which the former authority leaves their bundle.
 */
import { SpiffeTlsError } from './errors.ts';
import type { TlsSettings } from './spiffe-tls-options.ts';
import { verifyX509Svid } from './verify-peer.ts';
import type { X509BundleSource } from './x509-bundle.ts';
import type { X509Svid } from './x509-svid.ts';

/** The part of the SVID's remaining life that retiring may take, unless an option says otherwise. */
export const DEFAULT_RETIRE_WINDOW = 0.1;

/** New work leaves the former connections this soon, in milliseconds, when another authority signs: the former one goes next. */
const AUTHORITY_CHANGE_MS = 5_000;

/** Moments of a retirement, in milliseconds from now. */
export interface RetirementPlan {
  /** New work goes to new connections from here on. In the first half of the window. */
  readonly startMs: number;
  /** What is still open then is ended. In the last quarter of the window. */
  readonly endMs: number;
}

/** Draws the moments of a retirement. */
export function planRetirement(facts: {
  /** When the former SVID expires. */
  readonly notAfterMs: number;
  readonly nowMs: number;
  /** Part of the remaining life, from 0 (at once) to 1. */
  readonly window: number;
  /** It begins within this at the latest, however long the window is. Default: the first half of the window. */
  readonly startWithinMs?: number;
  readonly random: () => number;
}): RetirementPlan {
  const windowMs = Math.max(0, facts.notAfterMs - facts.nowMs) * facts.window;
  const startWithinMs = Math.min(windowMs / 2, facts.startWithinMs ?? Number.POSITIVE_INFINITY);
  return { startMs: startWithinMs * facts.random(), endMs: windowMs * (0.75 + facts.random() / 4) };
}

/** Checks the `retireWindow` option. */
export function checkRetireWindow(window = DEFAULT_RETIRE_WINDOW): number {
  if (window >= 0 && window <= 1) return window;
  throw new TypeError(`spiffe-tls: "retireWindow" must be from 0 to 1, got ${window}`);
}

/** A retirement that begins now; milliseconds from now. */
export interface Retirement {
  /** What is still open then is ended. */
  readonly endInMs: number;
  /** The former SVID expires, and servers cut its connections off. */
  readonly expiresInMs: number;
}

/** What is retired, and how. */
export interface RetirementOptions {
  readonly options: TlsSettings;
  readonly window: number;
  /** The former SVID's connections are to be given up. */
  readonly onRetire: (retirement: Retirement) => void;
  /** Whether a withdrawal retires at once. Where servers have SPIFFE IDs, `LiveConnections` sees to it. */
  readonly onWithdrawal?: boolean;
}

/**
 * Watches the source for a new own SVID and calls `onRetire` once for each, inside the window. A second rotation before
 * that joins the first, and brings it forward when it has to be. Returns how to stop.
 */
export function scheduleRetirements({ options, window, onRetire, onWithdrawal }: RetirementOptions): () => void {
  const { source, clock, random } = options;
  let former = presentSvid(options);
  let pending: { readonly svid: X509Svid; readonly atMs: number; readonly cancel: () => void } | undefined;

  const schedule = (svid: X509Svid, startWithinMs = Number.POSITIVE_INFINITY) => {
    const nowMs = clock.now();
    const { notAfterMs } = svid.leaf;
    const plan = planRetirement({ notAfterMs, nowMs, window, startWithinMs, random });
    const atMs = nowMs + plan.startMs;
    if (pending !== undefined && pending.atMs <= atMs) return;
    pending?.cancel();
    const cancel = clock.schedule(plan.startMs, () => {
      pending = undefined;
      onRetire({ endInMs: plan.endMs - plan.startMs, expiresInMs: Math.max(0, notAfterMs - clock.now()) });
    });
    pending = { svid, atMs, cancel };
  };

  const stop = source.subscribe((event) => {
    if (event.type === 'withdrawn' && onWithdrawal === true) onRetire({ endInMs: 0, expiresInMs: 0 });
    if (event.type !== 'update') return;
    const { context, changed } = event;
    const retired = pending?.svid ?? (changed.svid ? former : undefined);
    former = context.svid;
    if (retired === undefined) return;
    if (changed.bundles && !isTrusted(retired, context.bundles, clock.now())) schedule(retired, 0);
    else if (changed.svid && isOfAnotherAuthority(retired, context.svid)) schedule(retired, AUTHORITY_CHANGE_MS);
    else if (pending === undefined) schedule(retired);
  });
  return () => {
    stop();
    pending?.cancel();
  };
}

/** Names and key identifiers are hints: good enough for being early. */
function isOfAnotherAuthority({ leaf: a }: X509Svid, next: X509Svid | undefined): boolean {
  return a.issuerKey !== next?.leaf.issuerKey || a.authorityKeyId !== next.leaf.authorityKeyId;
}

/** Whether servers that have the same bundles would still take it. */
function isTrusted({ chain }: X509Svid, bundles: X509BundleSource, nowMs: number): boolean {
  try {
    verifyX509Svid({ chain: chain.map(({ der }) => der), bundles, nowMs });
    return true;
  } catch (error) {
    if (error instanceof SpiffeTlsError) return false;
    throw error;
  }
}

function presentSvid(options: TlsSettings): X509Svid | undefined {
  try {
    return options.source.current().svid;
  } catch {
    return undefined;
  }
}
