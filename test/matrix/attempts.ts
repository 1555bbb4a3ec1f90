/**
 * A proper attempt by each way, which attacks change in one respect.
 */
import { randomBytes } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http2';
import { CreateOrderRequest, GetOrderRequest, ListOrdersRequest, WatchOrdersRequest } from '@countersign/contracts';
import { properLinks } from './chain-plan.ts';
import { type WrittenChain, writeChain } from './links.ts';
import type { Seen } from './outcome.ts';
import type { Caller, Way } from './table.ts';
import { callGrpc } from './wire-grpc.ts';
import { type RawRequest, sendHttps, write } from './wire-https.ts';
import { logIn } from './wire-postgres.ts';
import type { Material } from './wire-tls.ts';
import type { World } from './world.ts';

/** How an attempt differs from a proper one. */
export interface Changes {
  /** HTTP: changes the request, or gives the bytes in its place. */
  readonly http?: (request: RawRequest, address: string) => RawRequest | string;
  /** gRPC: more headers, pseudo-headers among them. */
  readonly headers?: OutgoingHttpHeaders;
  /** What is presented, in place of the caller's own. */
  readonly material?: Material;
  /** Headers of the caller chain, in place of a proper one. */
  readonly chain?: readonly (readonly [name: string, value: string])[];
  /** What the proper chain says is called, for a request that is not the proper one. */
  readonly act?: string;
  /** The trace is not sent along: the attack brings a `traceparent` of its own. */
  readonly ownTrace?: string;
}

const ORDER = { item: 'contraband', quantity: 1, customer: 'nobody' };

/** Makes the attempt and tells what came of it. */
export async function attempt(world: World, caller: Caller, way: Way, changes: Changes = {}): Promise<Seen> {
  const material = changes.material ?? (await world.credentials.of(caller, way.server));
  const address = world.addressOf(way);
  if (way.transport === 'postgres') return logIn({ address, database: world.database, user: way.operation }, material);
  const traceId = changes.ownTrace ?? randomBytes(16).toString('hex');
  const traceparent = `00-${traceId}-${randomBytes(8).toString('hex')}-01`;
  const chain = changes.chain ?? (await properChain(world, caller, way, changes.act));
  if (way.transport === 'https') {
    const proper = requestOf(way, address, traceparent, world.orderId);
    const request = { ...proper, headers: [...proper.headers, ...chain.map(([name, value]) => `${name}: ${value}`)] };
    const text = changes.http?.(request, address) ?? request;
    return { ...(await sendHttps(address, material, typeof text === 'string' ? text : write(text))), traceId };
  }
  const headers = { traceparent, ...asMetadata(chain), ...changes.headers };
  const call = { path: way.operation, messages: messagesOf(way, world.orderId), headers };
  const untilFirst = way.operation.endsWith('/WatchOrders');
  return { ...(await callGrpc(address, material, { ...call, untilFirst })), traceId };
}

/** What a caller who is let in sends along, as our clients do. Of the others no byte is read. */
async function properChain(
  world: World,
  caller: Caller,
  way: Way,
  act: string | undefined,
): Promise<NonNullable<Changes['chain']>> {
  if (caller.accepted?.includes(way.server) !== true) return [];
  const links = await properLinks(world, way, caller.name);
  const signed = act === undefined ? links : links.map((link) => ({ ...link, claims: { ...link.claims, act } }));
  return Object.entries(asHeaders(writeChain(signed)));
}

function asHeaders({ chain, certs }: WrittenChain): Record<string, string> {
  return { 'caller-chain': chain, 'caller-chain-certs': certs };
}

/** A name that comes twice is sent twice. */
function asMetadata(pairs: NonNullable<Changes['chain']>): OutgoingHttpHeaders {
  const names = Map.groupBy(pairs, ([name]) => name);
  return Object.fromEntries([...names].map(([name, each]) => [name, each.map(([, value]) => value)]));
}

function requestOf({ operation }: Way, address: string, traceparent: string, orderId: string): RawRequest {
  const [method = '', route = ''] = operation.split(' ');
  const headers = [`Host: ${address}`, `traceparent: ${traceparent}`, 'Connection: close'];
  const target = route.replace('{id}', orderId);
  if (method !== 'POST') return { method, target, headers };
  return { method, target, headers: [...headers, 'Content-Type: application/json'], body: JSON.stringify(ORDER) };
}

function messagesOf({ operation }: Way, orderId: string): Uint8Array[] {
  const name = operation.slice(operation.lastIndexOf('/') + 1);
  switch (name) {
    case 'CreateOrder':
      return [CreateOrderRequest.encode(CreateOrderRequest.create(ORDER)).finish()];
    case 'GetOrder':
      return [GetOrderRequest.encode({ id: orderId }).finish()];
    case 'ListOrders':
      return [ListOrdersRequest.encode(ListOrdersRequest.create({ pageSize: 1 })).finish()];
    case 'WatchOrders':
      return [WatchOrdersRequest.encode({ cursor: '' }).finish()];
    case 'ClientStream':
    case 'Bidi':
      return [Buffer.from('a'), Buffer.from('b')];
    default:
      return [new Uint8Array()];
  }
}
