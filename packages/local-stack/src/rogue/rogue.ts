/**
 * `npm run rogue`: the same libraries under an identity that no grant names try every way into a running system.
 */
import { loadIdentities } from '@countersign/identities';
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { LocalStackError, messageOf } from '../errors.ts';
import { stateDirectoryFromEnv } from '../settings.ts';
import { findRunningSystem, type SystemFile } from '../system-file.ts';
import { openWorkloadSocket } from '../workload-socket.ts';
import { listAttempts } from './attempts.ts';
import { judgeAll } from './judge.ts';
import { describeAll, describeVerdict } from './report.ts';

const initialTimeoutMs = 5_000;

/** Where the program's words go. */
export interface RogueContext {
  readonly env: NodeJS.ProcessEnv;
  print(text: string): void;
}

/** @returns exit code: 0 when each attempt was refused for its proper reason, 1 when one was not, 2 when nothing could be tried */
export async function runRogue({ env, print }: RogueContext): Promise<number> {
  try {
    return await attack(findRunningSystem(stateDirectoryFromEnv(env)), print);
  } catch (error) {
    print(error instanceof LocalStackError ? error.message : `could not try: ${messageOf(error)}`);
    return 2;
  }
}

async function attack(system: SystemFile, print: (text: string) => void): Promise<number> {
  const identities = loadIdentities();
  await using rogueSocket = await openWorkloadSocket(system, 'rogue');
  await using auditorSocket = await openWorkloadSocket(system, 'auditor');
  await using rogue = createWorkloadApiX509Source({ endpoint: rogueSocket.endpoint, initialTimeoutMs });
  await using auditor = createWorkloadApiX509Source({ endpoint: auditorSocket.endpoint, initialTimeoutMs });
  const [{ svid }] = await Promise.all([rogue.ready(), auditor.ready()]);
  print(`I am ${svid.id}, with a valid certificate (serial ${svid.leaf.serialNumber}) of the same CA as everyone.\n`);
  const verdicts = await judgeAll(listAttempts({ system, identities, rogue, auditor }), system.logs, (verdict) =>
    print(`${describeVerdict(verdict)}\n`),
  );
  print(describeAll(verdicts));
  return verdicts.every(({ problems }) => problems.length === 0) ? 0 : 1;
}
