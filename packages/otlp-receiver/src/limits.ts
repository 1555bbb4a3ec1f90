/** Bounds of one export. An exporter's own batches are far below; what is above was made to cost the receiver something. */
import { OtlpError } from './errors.ts';

/** What one export may hold. */
export interface ExportLimits {
  /** Levels of lists within lists. Default 16, as an input of the policy needs 6. */
  readonly maxDepth: number;
  /** Messages and values, counted together: each costs memory. Default 200 000, some 8 000 spans. */
  readonly maxValues: number;
}

/** The defaults. */
export const EXPORT_LIMITS: ExportLimits = { maxDepth: 16, maxValues: 200_000 };

/** What is left of an export's bounds while it is read. */
export interface Budget {
  /** Takes one value's share. @throws {OtlpError} `EXPORT_TOO_MANY_VALUES`, `EXPORT_TOO_DEEP` */
  spend(depth?: number): void;
}

/** A fresh budget for one export. */
export function createBudget({ maxDepth, maxValues }: ExportLimits): Budget {
  let left = maxValues;
  return {
    spend(depth = 0) {
      left -= 1;
      if (left < 0)
        throw new OtlpError('EXPORT_TOO_MANY_VALUES', `export: must hold at most ${maxValues} messages and values`);
      if (depth > maxDepth)
        throw new OtlpError('EXPORT_TOO_DEEP', `export: values must be at most ${maxDepth} levels deep`);
    },
  };
}
