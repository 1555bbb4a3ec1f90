/**
 * What is measured: the variants that are compared, the loads they are put under, and for how long.
 */

/**
 * What stands at one end. `bare`: Node's TLS and nothing else. `countersign`: our adapters, and the guard on a server.
 * `adapter`: without the guard, to tell what comes from where; no service runs like that. `go-spiffe`: the reference library,
 * in Go, which decides nothing beyond whom it lets in.
 */
export type Side = 'bare' | 'adapter' | 'countersign' | 'go-spiffe';

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
      both(`countersign ${said}`, 'countersign'),
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
  { name: 'HTTPS', figure: 'countersign https', baseline: 'bare https' },
  { name: 'gRPC', figure: 'countersign gRPC', baseline: 'bare gRPC' },
  { name: 'HTTPS without guard', figure: 'adapter alone, https', baseline: 'bare https' },
  { name: 'gRPC without guard', figure: 'adapter alone, gRPC', baseline: 'bare gRPC' },
  { name: 'bare HTTPS, resumed', figure: 'bare https, resumed', baseline: 'bare https' },
];

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
