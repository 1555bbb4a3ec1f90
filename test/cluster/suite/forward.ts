/** Ports of pods on this machine's loopback, as `kubectl port-forward` gives them to a person. */
import { forwardPort } from '../../../packages/local-stack/src/kind/port-forward.ts';
import { kubectl } from './kubectl.ts';
import { NAMESPACES } from './names.ts';

/** A forwarded port. */
export interface Forward extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
}

/**
 * Forwards to one pod.
 * @param target `deployment/customer` or `pod/postgres-0`
 */
export async function forward(target: string, port: number, namespace: string = NAMESPACES.shop): Promise<Forward> {
  const opened = await forwardPort({ namespace, target, port });
  return { ...opened, url: `http://127.0.0.1:${opened.port}` };
}

/** The customer's edge. It listens on its pod's loopback: this is the way to it. */
export function openEdge(): Promise<Forward> {
  return forward('deployment/customer', 8080);
}

/** Runs a program in a container. */
export function execIn(
  pod: string,
  container: string,
  command: readonly string[],
  namespace: string = NAMESPACES.shop,
) {
  return kubectl(['--namespace', namespace, 'exec', pod, '--container', container, '--', ...command]);
}
