/**
 * What is measured: the variants that are compared, the loads they are put under, and for how long.
 */

/**
 * What stands at one end. `bare`: Node's TLS and nothing else. `adapter`: our adapters alone; no service runs like that.
 * `guard`: and a decision about each request on a server. `chain`: and the caller chain, signed by the client and verified by
 * the server. `telemetry`: and what a service tells about each request: log lines, spans, decision records, exported by
 * OTLP. `go-spiffe`: the reference library, in Go, which decides nothing beyond whom it lets in.
 */
export type Side = 'bare' | Layer | 'go-spiffe';

/** Ours, each with all that stands before it. */
export const LAYERS = ['adapter', 'guard', 'chain', 'telemetry'] as const;
export type Layer = (typeof LAYERS)[number];

/** Whether an end of ours has a layer. */
export function hasLayer(side: Side, layer: Layer): boolean {
  return side !== 'bare' && side !== 'go-spiffe' && LAYERS.indexOf(side) >= LAYERS.indexOf(layer);
}

/** How one variant is served and called. Its server and its client are processes of their own. */
export interface Variant {
  readonly name: string;
  readonly transport: 'https' | 'grpc';
  readonly server: Side;
  readonly client: Side;
  /** Session tickets. Only ever for `bare`: our adapters have none. */
  readonly resumption: boolean;
}

const TRANSPORTS = [
  { transport: 'https', said: 'https' },
  { transport: 'grpc', said: 'gRPC' },
] as const;

/** All that there are; those with go-spiffe only where it is at hand. */
export const VARIANTS: readonly Variant[] = [
  ...TRANSPORTS.flatMap(({ transport, said }): Variant[] => {
    const both = (name: string, side: Side): Variant => between(name, side, side);
    const between = (name: string, server: Side, client: Side): Variant => ({
      ...{ name, transport, server, client },
      resumption: false,
    });
    return [
      both(`bare ${said}`, 'bare'),
      both(`adapter alone, ${said}`, 'adapter'),
      both(`guard, ${said}`, 'guard'),
      both(`guard and chain, ${said}`, 'chain'),
      both(`guard, chain and telemetry, ${said}`, 'telemetry'),
      both(`go-spiffe ${said}`, 'go-spiffe'),
      between(`go-spiffe server, our client, ${said}`, 'go-spiffe', 'adapter'),
      between(`our server, go-spiffe client, ${said}`, 'adapter', 'go-spiffe'),
    ];
  }),
  { name: 'bare https, resumed', transport: 'https', server: 'bare', client: 'bare', resumption: true },
];

/** Whether one of the ends is go-spiffe. */
export function needsGoSpiffe({ server, client }: Variant): boolean {
  return server === 'go-spiffe' || client === 'go-spiffe';
}

/** Which figures are divided by which. */
export interface Comparison {
  readonly name: string;
  readonly figure: string;
  readonly baseline: string;
}

export const AGAINST_BARE: readonly Comparison[] = [
  { name: 'HTTPS, adapter alone', figure: 'adapter alone, https', baseline: 'bare https' },
  { name: 'gRPC, adapter alone', figure: 'adapter alone, gRPC', baseline: 'bare gRPC' },
  { name: 'HTTPS with guard', figure: 'guard, https', baseline: 'bare https' },
  { name: 'gRPC with guard', figure: 'guard, gRPC', baseline: 'bare gRPC' },
  { name: 'HTTPS with guard and chain', figure: 'guard and chain, https', baseline: 'bare https' },
  { name: 'gRPC with guard and chain', figure: 'guard and chain, gRPC', baseline: 'bare gRPC' },
  { name: 'HTTPS with all', figure: 'guard, chain and telemetry, https', baseline: 'bare https' },
  { name: 'gRPC with all', figure: 'guard, chain and telemetry, gRPC', baseline: 'bare gRPC' },
  { name: 'bare HTTPS, resumed', figure: 'bare https, resumed', baseline: 'bare https' },
];

/** What each layer adds to the one before it. */
export const LAYER_BY_LAYER: readonly Comparison[] = TRANSPORTS.flatMap(({ said }) => {
  const name = said === 'https' ? 'HTTPS' : said;
  return [
    { name: `${name}: adapter`, figure: `adapter alone, ${said}`, baseline: `bare ${said}` },
    { name: `${name}: guard`, figure: `guard, ${said}`, baseline: `adapter alone, ${said}` },
    { name: `${name}: chain`, figure: `guard and chain, ${said}`, baseline: `guard, ${said}` },
    { name: `${name}: telemetry`, figure: `guard, chain and telemetry, ${said}`, baseline: `guard and chain, ${said}` },
  ];
});

/** None of these has the guard: go-spiffe has none either. */
export const AGAINST_GO_SPIFFE: readonly Comparison[] = TRANSPORTS.flatMap(({ said }) => {
  const name = said === 'https' ? 'HTTPS' : said;
  const ours = { figure: `adapter alone, ${said}` };
  return [
    { name: `${name}, both ends`, ...ours, baseline: `go-spiffe ${said}` },
    { name: `${name}, server, our client`, ...ours, baseline: `go-spiffe server, our client, ${said}` },
    { name: `${name}, client, our server`, ...ours, baseline: `our server, go-spiffe client, ${said}` },
  ];
});

/** A closed loop: each of `concurrency` callers sends its next request when it has the answer to the last. */
export interface Workload {
  readonly name: string;
  readonly concurrency: number;
  /** Each request over a connection of its own, handshake included. */
  readonly newConnections: boolean;
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'kept alive, 1 at a time', concurrency: 1, newConnections: false },
  { name: 'kept alive, 32 at once', concurrency: 32, newConnections: false },
  { name: 'new connections, 4 at once', concurrency: 4, newConnections: true },
];

/** Whether a variant takes part in a workload: resumption means something where connections are made. */
export function takesPart({ resumption }: Variant, { newConnections }: Workload): boolean {
  return newConnections || !resumption;
}

/** How long a run measures. */
export interface Effort {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly roundMs: number;
  /** Samples of each microscopic measurement. */
  readonly samples: number;
  /** SVID updates in a row. */
  readonly updates: number;
}

export const FULL: Effort = { rounds: 7, warmUpMs: 1_000, roundMs: 800, samples: 50_000, updates: 10_000 };
export const QUICK: Effort = { rounds: 3, warmUpMs: 150, roundMs: 200, samples: 10_000, updates: 1_000 };

/** How many federated trust domains an agent hands out, and how many certificates each has: two while its CA rotates. */
export const FEDERATIONS = [
  { bundles: 0, authorities: 1 },
  { bundles: 1, authorities: 1 },
  { bundles: 100, authorities: 1 },
  { bundles: 1_000, authorities: 1 },
  { bundles: 1_000, authorities: 2 },
] as const;
