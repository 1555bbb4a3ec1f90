/**
 * The proper caller chain of each way, which attacks start from.
 */
import { type LinkPlan, randomId } from './links.ts';
import type { Way } from './table.ts';
import type { World } from './world.ts';

/** What an attack works with. */
export interface Ground {
  readonly world: World;
  readonly way: Way;
  /** A proper chain for this way: the origin's link, at db-client with the caller's after it. */
  readonly links: readonly LinkPlan[];
  /** Makes a link of another workload. */
  linkBy(workload: string, audience: string, act: string, txn?: string): Promise<LinkPlan>;
}

/** What the last link must say is called. */
export function actOf({ transport, operation }: Way, { orderId }: World): string {
  return transport === 'https' ? operation.replace('{id}', orderId) : operation;
}

/** A chain as it should be: the caller's link, at db-client after one of the customer's. */
export async function properLinks(world: World, way: Way, caller: string): Promise<LinkPlan[]> {
  return [...(await groundOf(world, way, caller)).links];
}

/** Everything for a way. */
export async function groundOf(world: World, way: Way, caller: string): Promise<Ground> {
  const linkBy: Ground['linkBy'] = async (workload, audience, act, txn = randomId()) => ({
    signer: await world.credentials.member(workload),
    claims: { iss: world.idOf(workload), aud: audience, act, txn },
  });
  const txn = randomId();
  const here = await linkBy(caller, world.serverId(way), actOf(way, world), txn);
  const before = beforeCaller(way, caller);
  const origin = before === undefined ? [] : [await linkBy(before.origin, world.idOf(caller), before.act, txn)];
  const links = [...origin, here];
  return { world, way, links, linkBy };
}

/** The caller's own link. */
export function lastOf(links: readonly LinkPlan[]): LinkPlan {
  const link = links.at(-1);
  if (link === undefined) throw new TypeError('matrix: a chain has a link');
  return link;
}

/** Whose call the caller is serving: at db-client a customer's; at echo another's, because two links break in more ways. */
function beforeCaller({ server }: Way, caller: string): { origin: string; act: string } | undefined {
  if (server === 'db-client') return { origin: 'customer', act: 'POST /orders' };
  if (server === 'echo' && caller !== 'auditor') return { origin: 'auditor', act: 'GET /echo' };
  return undefined;
}
