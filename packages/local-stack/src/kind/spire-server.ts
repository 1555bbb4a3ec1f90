/** The SPIRE server of the cluster, spoken to by `kubectl exec`: its API is a socket in its own pod and nowhere else. */
import { createSpireCommands, type SpireCommands } from '../spire/control.ts';
import type { Kubectl } from './kubectl.ts';

/** Where a server runs. */
export interface SpireServerPlace {
  readonly namespace: string;
  readonly pod: string;
}

/** The names that SPIRE's chart gives. */
export const ownServer: SpireServerPlace = { namespace: 'spire-server', pod: 'spire-server-0' };

const container = 'spire-server';
/** Where SPIRE's image has it; there is no shell and no PATH to look along. */
const program = '/opt/spire/bin/spire-server';

/** Restarts it, its controller manager too; its data and keys are on a volume. Resolves when it is ready again. */
export async function restartSpireServer(kubectl: Kubectl): Promise<void> {
  const place = ['statefulset/spire-server', '-n', ownServer.namespace];
  await kubectl.run(['rollout', 'restart', ...place]);
  await kubectl.run(['rollout', 'status', ...place, '--timeout=110s']);
}

/** The server's commands, as the local stack has them for a server on this machine. */
export function createClusterSpire(kubectl: Kubectl, { namespace, pod }: SpireServerPlace = ownServer): SpireCommands {
  return createSpireCommands((args, input) =>
    kubectl.run(['exec', '-i', '-n', namespace, pod, '-c', container, '--', program, ...args], input),
  );
}
