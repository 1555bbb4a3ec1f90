/** Which ports a pod can open a connection to, tried from inside it. */
import { readFileSync } from 'node:fs';
import { execIn } from './forward.ts';
import { NODE } from './twin.ts';

const PROGRAM = readFileSync(new URL('./tcp-probe-main.ts', import.meta.url), 'utf8');

/** `connected`, `dropped`, or the code of an error, by `host:port`. */
export async function probeTcp(
  pod: string,
  container: string,
  targets: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const command = [NODE, '--input-type=module-typescript', '--eval', PROGRAM, ...targets];
  const outcomes: Array<readonly [string, string]> = JSON.parse(await execIn(pod, container, command));
  return new Map(outcomes);
}
