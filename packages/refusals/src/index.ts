/** Every refusal explained. Imports no other workspace, so that every other may import it. */
export {
  explainRefusal,
  explainRefusedConnection,
  findRefusal,
  findStage,
  type RefusalExplanation,
  type RefusalFacts,
} from './explain-refusal.ts';
export type { RefusalReason, RefusalRow, RefusalStage, RefusalTable, WireEffect } from './refusal-row.ts';
export { REFUSALS, STAGES, type StageDescription } from './registry.ts';
