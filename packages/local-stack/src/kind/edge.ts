/** customer's HTTP interface, opened for one use: it listens on the loopback of its pod alone. */
import type { Identities } from '@countersign/identities';
import { forwardPort } from './port-forward.ts';

/** Where customer listens in its pod. */
export const edgePort = 8080;

/** Opens a Deployment's edge, by default customer's, and gives its address. */
export async function withEdge<T>(
  { namespace }: Pick<Identities, 'namespace'>,
  use: (base: string) => Promise<T>,
  deployment = 'customer',
): Promise<T> {
  await using forward = await forwardPort({ namespace, target: `deploy/${deployment}`, port: edgePort });
  return await use(`http://127.0.0.1:${forward.port}`);
}
