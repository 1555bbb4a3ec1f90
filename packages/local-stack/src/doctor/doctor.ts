/** `npm run doctor`: finds what is wrong with the running system, or with the environment of one service. */
import { readFileSync } from 'node:fs';
import { parseArgs, parseEnv } from 'node:util';
import { loadIdentities } from '@countersign/identities';
import { messageOf } from '../errors.ts';
import { stateDirectoryFromEnv } from '../settings.ts';
import { examine } from './checks.ts';
import { type GatherOptions, gatherFacts } from './gather.ts';
import { describeResults, describeSum } from './report.ts';

/** Where arguments, environment and words come from and go to. */
export interface DoctorContext {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  print(text: string): void;
  printError(text: string): void;
}

const USAGE = `usage: npm run doctor -- [--service NAME] [--env-file FILE] [--clock URL] [--json]

Without --service: the running system (npm start), and the environment of this shell.
  --service NAME   one service of identities.json, with the environment of this shell or of --env-file, asked as this user
  --env-file FILE  NAME=value lines instead of the environment of this shell
  --clock URL      compares this clock with the Date of that server's answer
  --json           findings for programs`;

/** @returns exit code: 0 when nothing failed (warnings may remain), 1 when something did, 2 for wrong arguments */
export async function runDoctor({ args, env, print, printError }: DoctorContext): Promise<number> {
  let options: (GatherOptions & { readonly json: boolean }) | undefined;
  try {
    options = parse(args, env);
  } catch (error) {
    printError(`doctor: ${messageOf(error)}\n${USAGE}`);
    return 2;
  }
  try {
    const results = examine(await gatherFacts(options));
    if (options.json) print(JSON.stringify(results, undefined, 2));
    else print(`${describeResults(results)}\n\n${describeSum(results)}`);
    return results.some(({ status }) => status === 'fail') ? 1 : 0;
  } catch (error) {
    printError(`doctor: ${messageOf(error)}`);
    return 1;
  }
}

function parse(args: readonly string[], env: NodeJS.ProcessEnv): GatherOptions & { readonly json: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      service: { type: 'string' },
      'env-file': { type: 'string' },
      clock: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const { service, 'env-file': file, clock, json } = values;
  if (service !== undefined) loadIdentities().workload(service);
  return {
    json,
    env: file === undefined ? env : parseEnv(readFileSync(file, 'utf8')),
    stateDirectory: stateDirectoryFromEnv(env),
    ...(service === undefined ? {} : { service }),
    ...(clock === undefined ? {} : { clockUrl: clock }),
  };
}
