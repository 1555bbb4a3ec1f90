/**
 * Whether a process should get traffic, as a set of reasons why not. Each part reports its own; nothing polls.
 */

/** The reasons by the part that gives them. */
export interface Readiness {
  /** Says why a part is not ready, or, with `undefined`, that it is. */
  report(part: string, reason: string | undefined): void;
  /** All reasons; empty when ready. */
  reasons(): Readonly<Record<string, string>>;
}

/** Makes it, with no reasons yet. `onChange` is called when the process becomes ready, and when it no longer is. */
export function createReadiness(
  onChange: (ready: boolean, reasons: Readonly<Record<string, string>>) => void,
): Readiness {
  const reasons = new Map<string, string>();
  return {
    report(part, reason) {
      const before = reasons.size;
      if (reason === undefined) reasons.delete(part);
      else reasons.set(part, reason);
      if ((before === 0) !== (reasons.size === 0)) onChange(reasons.size === 0, Object.fromEntries(reasons));
    },
    reasons: () => Object.fromEntries(reasons),
  };
}
