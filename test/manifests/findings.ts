/** What a lint says, and how it is shown. */

/** One fault. */
export interface Finding {
  /** The rule that is broken, as the table of rules names it. */
  readonly rule: string;
  /** `Deployment shop/backend`, or a file. */
  readonly object: string;
  /** What is wrong, with the value. */
  readonly says: string;
}

/** What was looked at, and what was found. */
export interface Part {
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** One line a fault. */
export function formatFinding({ rule, object, says }: Finding): string {
  return `${rule}: ${object}: ${says}`;
}

/** A value in a message: quoted, and cut. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
