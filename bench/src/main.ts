/**
 * `npm run bench -- [--quick] [--save] [--profile <folder>]`: our adapters and guard against bare Node TLS and go-spiffe, in one
 * run.
 */
import { resolve } from 'node:path';
import { readOptions } from './options.ts';
import { FULL, QUICK } from './plan.ts';
import { toText } from './report.ts';
import { run } from './run.ts';
import { saveResults } from './save.ts';

const { quick, save, profile, 'go-spiffe': goSpiffe } = readOptions();
const results = await run({
  effort: quick ? QUICK : FULL,
  ...(profile !== undefined && { profileDirectory: resolve(profile) }),
  ...(goSpiffe !== undefined && { goSpiffe: resolve(goSpiffe) }),
  onProgress: (text) => console.error(`bench: ${text}`),
});
console.log(`\n${toText(results)}`);
if (save) await saveResults(results);
