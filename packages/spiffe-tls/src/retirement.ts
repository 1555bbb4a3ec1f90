/**
 * When a client gives up the connections that it made with its former SVID: at a random moment inside a window, so that
 * not every client of a server reconnects at once.
 */
import type { TlsSettings } from './spiffe-tls-options.ts';
import type { X509Svid } from './x509-svid.ts';

/** The part of the SVID's remaining life that retiring may take, unless an option says otherwise. */
export const DEFAULT_RETIRE_WINDOW = 0.1;

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
  readonly random: () => number;
}): RetirementPlan {
  const windowMs = Math.max(0, facts.notAfterMs - facts.nowMs) * facts.window;
  return { startMs: (windowMs * facts.random()) / 2, endMs: windowMs * (0.75 + facts.random() / 4) };
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
 * that joins the first. Returns how to stop.
 */
export function scheduleRetirements({ options, window, onRetire, onWithdrawal }: RetirementOptions): () => void {
  const { source, clock, random } = options;
  let former = presentSvid(options);
  let cancel: (() => void) | undefined;
  const stop = source.subscribe((event) => {
    if (event.type === 'withdrawn' && onWithdrawal === true) onRetire({ endInMs: 0, expiresInMs: 0 });
    if (event.type !== 'update' || !event.changed.svid) return;
    const retired = former;
    former = event.context.svid;
    if (retired === undefined || cancel !== undefined) return;
    const { notAfterMs } = retired.leaf;
    const plan = planRetirement({ notAfterMs, nowMs: clock.now(), window, random });
    cancel = clock.schedule(plan.startMs, () => {
      cancel = undefined;
      onRetire({ endInMs: plan.endMs - plan.startMs, expiresInMs: Math.max(0, notAfterMs - clock.now()) });
    });
  });
  return () => {
    stop();
    cancel?.();
  };
}

function presentSvid(options: TlsSettings): X509Svid | undefined {
  try {
    return options.source.current().svid;
  } catch {
    return undefined;
  }
}
