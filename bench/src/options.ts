/** What the command line of a run may say. */
import { parseArgs } from 'node:util';

/** The chosen options; a wrong one ends the process with what is wrong. */
export function readOptions() {
  try {
    return parseArgs({
      options: {
        /** A minute instead of some six: for a look, not for keeping. */
        quick: { type: 'boolean', default: false },
        /** Writes bench/results/latest.json and the tables in docs/reference/performance.md. */
        save: { type: 'boolean', default: false },
        /** A CPU profile of each process, into this folder. */
        profile: { type: 'string' },
        /** The program of `test/peers/build/go-spiffe/cmd/bench`. Without it there is no such rival. */
        'go-spiffe': { type: 'string' },
      },
    }).values;
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}
