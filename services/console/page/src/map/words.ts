/** What the map says in words: names for screen readers, and the cells of its table. */
import type { Edge, Refusal, Transport, Workload } from '../../../src/wire/model.ts';
import { countdown, lastSegment, milliseconds } from '../design/index.ts';
import { outcomeLooks, stateLooks } from '../design/tag.tsx';

const transportNames: Readonly<Record<Transport, string>> = {
  http: 'HTTP',
  https: 'HTTPS',
  grpc: 'gRPC',
  postgres: 'PostgreSQL',
  tls: 'TLS',
};

export function transportsOf(edge: Pick<Edge, 'transports'>): string {
  return edge.transports.map((transport) => transportNames[transport]).join(' · ');
}

/** `customer, ready, spiffe://..., expires in 42:10, renews in 12:05`. */
export function workloadName(workload: Workload, now: number): string {
  const { name, state, id, trustDomain, svid } = workload;
  return [
    name,
    stateLooks[state].word,
    trustDomain && id,
    svid && `expires in ${countdown(svid.notAfter - now)}`,
    svid && `renews in ${countdown(svid.rotatesAt - now)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** `customer to backend, allowed, HTTPS · gRPC, 12.0 a second, p50 3.1 ms, p95 9.0 ms`. */
export function callName(edge: Edge, refusal: Refusal | undefined): string {
  return [
    `${lastSegment(edge.from)} to ${lastSegment(edge.to)}`,
    outcomeLooks[edge.last.outcome].word,
    transportsOf(edge),
    edge.perSecond > 0 ? `${rate(edge.perSecond)} a second` : 'idle',
    edge.p50Ms !== undefined && `p50 ${milliseconds(edge.p50Ms)}`,
    edge.p95Ms !== undefined && `p95 ${milliseconds(edge.p95Ms)}`,
    refusal && `refused by ${lastSegment(refusal.self)}`,
    refusal?.expected && `expected ${refusal.expected}`,
    refusal?.got && `got ${refusal.got}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** `0.3`, `12`. */
export function rate(perSecond: number): string {
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}
