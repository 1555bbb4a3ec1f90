/** Changes that can be undone: texts before and after, the last one first to go. Kept while this process runs. */

/** The texts of one change. */
export interface TextChange {
  readonly before: string;
  readonly after: string;
}

/** A bounded stack that forgets everything once the file is no longer what its last change made of it. */
export interface PolicyHistory {
  /** How many can be undone, when this is the present text. */
  undoable(present: string): number;
  /** The text that was there before the present one. */
  before(present: string): string | undefined;
  push(change: TextChange): void;
  pop(): void;
}

/** @param keep changes kept */
export function createPolicyHistory(keep = 50): PolicyHistory {
  let changes: TextChange[] = [];
  const known = (present: string) => changes.at(-1)?.after === present;
  return {
    undoable: (present) => (known(present) ? changes.length : 0),
    before: (present) => (known(present) ? changes.at(-1)?.before : undefined),
    push(change) {
      // Somebody changed the file by other means: to undo what came before would undo that, too.
      if (!known(change.before)) changes = [];
      changes = [...changes, change].slice(-keep);
    },
    pop: () => void changes.pop(),
  };
}
