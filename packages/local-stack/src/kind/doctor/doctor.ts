/** `npm run kind -- doctor`: what keeps the cluster from coming up on this machine, with evidence and fix. */
import { examineWith } from '../../doctor/checks.ts';
import { describeResults, describeSum } from '../../doctor/report.ts';
import type { Printer } from '../cluster-actions.ts';
import { type RunProgram, runProgram } from '../run-program.ts';
import { KIND_CHECKS } from './checks.ts';
import { gatherKindFacts } from './gather.ts';

/** @returns exit code: 0 when nothing failed (warnings may remain), 1 when something did */
export async function runKindDoctor(
  { print }: Pick<Printer, 'print'>,
  json: boolean,
  run: RunProgram = runProgram,
): Promise<number> {
  const results = examineWith(KIND_CHECKS, await gatherKindFacts(run));
  if (json) print(JSON.stringify(results, undefined, 2));
  else print(`${describeResults(results)}\n\n${describeSum(results)}`);
  return results.some(({ status }) => status === 'fail') ? 1 : 0;
}
