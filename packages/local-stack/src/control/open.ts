/**
 * Opens the control of a running system, for the console beside it.
 */
import type { OperatedSystem } from '../system.ts';
import { findRunningSystem } from '../system-file.ts';
import { openWorkloadSocket } from '../workload-socket.ts';
import { abilitiesOf } from './abilities.ts';
import { createAttackControl } from './attacks.ts';
import { createStackControl } from './create-stack-control.ts';
import { partnerId } from './federation-operations.ts';
import { createPolicyControl } from './policy/policy-control.ts';
import { listenStackControl, type StackControlServer } from './server.ts';

/**
 * Listens on {@link OperatedSystem.stackControlSocket}. On SPIRE, where this is root, the console's user may open it, and nobody
 * else; without SPIRE it is for the user who runs this.
 * @param env as the system was started with
 * @param onBug told of errors that are no refusals
 * @throws {LocalStackError} `STATE_DIRECTORY`
 * @example
 * await using control = await openStackControl(system, process.env);
 * const { abilities } = await createStackControlClient(control.path).describe();
 */
export async function openStackControl(
  system: OperatedSystem,
  env: NodeJS.ProcessEnv,
  onBug?: (error: unknown) => void,
): Promise<StackControlServer> {
  const { identities, stateDirectory } = system;
  const control = createStackControl({
    provider: system.provider,
    identities,
    control: system.control,
    trust: system.trust,
    system,
    abilities: abilitiesOf(system, env),
    policy: createPolicyControl({ system, env, knownIds: [partnerId] }),
    attacks: createAttackControl({ stateDirectory, env }),
    openSocketAs: (workload) => openWorkloadSocket(findRunningSystem(stateDirectory), workload),
  });
  const group = system.accountOf('console')?.gid;
  const server = await listenStackControl({ path: system.stackControlSocket, control, group, onBug });
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= server.close().then(() => control[Symbol.asyncDispose]());
    return closing;
  };
  return { path: server.path, close, [Symbol.asyncDispose]: close };
}
