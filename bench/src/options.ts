/** What the command line of a run may say. */
import { parseArgs } from 'node:util';

/** The chosen options; a wrong one ends the process with what is wrong. */
export function readOptions() {
  try {
    return parseArgs({
      options: {
        /** Half a minute instead of less than three: for a look, not for keeping. */
        quick: { type: 'boolean', default: false },
        /** Writes bench/results/latest.json and the tables in docs/reference/performance.md. */
        save: { type: 'boolean', default: false },
        /** A CPU profile of each process, into this folder. */
        profile: { type: 'string' },
      },
    }).values;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}
