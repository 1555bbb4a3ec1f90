/**
 * The program behind `npm start`.
 */
import { runStart } from './start.ts';

// Not process.exitCode: the channel to the script that started us would keep this process alive.
process.exit(await runStart(process));
