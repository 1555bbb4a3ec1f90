/**
 * Opens the control of a running system, for the console beside it.
 */
import type { OperatedSystem } from '../system.ts';
import { findRunningSystem } from '../system-file.ts';
import { openWorkloadSocket } from '../workload-socket.ts';
import { createAttackControl } from './attacks.ts';
import { createStackControl } from './create-stack-control.ts';
import { partnerId } from './federation-operations.ts';
import { createPolicyControl } from './policy/policy-control.ts';
import { listenStackControl, type StackControlServer } from './server.ts';
import type { AbilityState } from './stack-control.ts';

/** Log levels at which workloads tell of a new identity. */
const telling = ['trace', 'debug', 'info'];

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
    identityAbility: identityAbility(system, env),
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

/** Whether what is done to identities can be waited for. */
function identityAbility(system: OperatedSystem, env: NodeJS.ProcessEnv): AbilityState {
  const level = env['LOG_LEVEL'] ?? 'info';
  if (!telling.includes(level))
    return {
      there: false,
      why: `With LOG_LEVEL=${level} the services do not say when they have a new identity; start without it.`,
    };
  if (!system.replacesCa)
    return { there: false, why: 'A new CA takes a root on disk, and this SPIRE is its own root.' };
  return { there: true };
}
