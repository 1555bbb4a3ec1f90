/** What the probe inside a pod is told, and what it answers: a line of JSON each. */

/** With which SVID: the pod's own, or the one that was kept. */
export type Presenting = 'current' | 'kept';

/** One thing to do. */
export type ProbeRequest =
  /** Wait for an identity and tell of it. */
  | { readonly what: 'identity' }
  /** Keep a copy of SVID and key as they are now, as a thief would. */
  | { readonly what: 'keep' }
  /** Keep an SVID from elsewhere in its place. */
  | TakeRequest
  /** `GET` over HTTPS, with a caller chain that begins here. */
  | HttpsRequest
  /** A gRPC method with an empty message. */
  | GrpcRequest
  /** Log in to PostgreSQL and run a statement. */
  | PostgresRequest;

/** An SVID that another trust domain's server minted, PEM. */
export interface TakeRequest {
  readonly what: 'take';
  /** Leaf first. */
  readonly certificates: string;
  readonly key: string;
}

/** A call by HTTPS. */
export interface HttpsRequest {
  readonly what: 'https';
  /** `host:port` */
  readonly address: string;
  readonly serverId: string;
  readonly path: string;
  readonly presenting: Presenting;
}

/** A call by gRPC. */
export interface GrpcRequest {
  readonly what: 'grpc';
  readonly address: string;
  readonly serverId: string;
  /** `/package.Service/Method` */
  readonly method: string;
  readonly presenting: Presenting;
}

/** A login. */
export interface PostgresRequest {
  readonly what: 'postgres';
  readonly address: string;
  readonly serverId: string;
  readonly user: string;
  readonly database: string;
  readonly sql: string;
  readonly values: readonly string[];
  readonly presenting: Presenting;
}

/** What came of it. */
export interface ProbeAnswer {
  /** HTTP status, number of the gRPC status, `OK`, or the code of the error it ended with. */
  readonly status: string;
  readonly text: string;
  /** Of the probe's end of the connection, once the server was verified. */
  readonly port?: number;
  readonly rows?: ReadonlyArray<Readonly<Record<string, unknown>>>;
  readonly svid?: ProbeSvid;
}

/** The identity that a pod has. */
export interface ProbeSvid {
  readonly spiffeId: string;
  readonly serial: string;
  readonly subject: string;
  readonly dnsNames: readonly string[];
  readonly notAfterMs: number;
}
