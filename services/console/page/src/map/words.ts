/** What the map says in words: names for screen readers, and the cells of its table. */
import type { Edge, Refusal, Transport, Workload } from '../../../src/wire/model.ts';
import { countdown, lastSegment } from '../design/index.ts';
import { stateLooks } from '../design/tag.tsx';

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

/** `refused by backend, expected ..., got ...`. */
export function refusalWords({ self, expected, got }: Refusal): string {
  return [`refused by ${lastSegment(self)}`, expected && `expected ${expected}`, got && `got ${got}`]
    .filter(Boolean)
    .join(', ');
}

/** `3.1/12 ms`, `0.1/6.0 s`: p50 and p95, where there are any. */
export function briefLatency({ p50Ms, p95Ms }: Pick<Edge, 'p50Ms' | 'p95Ms'>): string | undefined {
  return p50Ms === undefined || p95Ms === undefined
    ? undefined
    : p95Ms < 1000
      ? `${brief(p50Ms)}/${brief(p95Ms)} ms`
      : `${brief(p50Ms / 1000)}/${brief(p95Ms / 1000)} s`;
}

function brief(time: number): string {
  return time >= 10 ? time.toFixed(0) : time.toFixed(1);
}

/** `0.3`, `12`. */
export function rate(perSecond: number): string {
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}
