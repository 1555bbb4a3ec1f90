/**
 * What is known about a kind of refusal before it happens. The tables of each stage are made of these rows; they are data,
 * so that the log, the span, the answer and the reference say the same.
 */

/** Where on its way from connection to handler a call is refused, in that order; `edge` is where calls begin. */
export type RefusalStage = 'handshake' | 'peer' | 'chain' | 'policy' | 'handler' | 'edge';

/** What reaches the side that is refused. */
export interface WireEffect {
  /** What TLS or PostgreSQL shows of it. */
  readonly connection?: string;
  /** HTTP status. */
  readonly http?: number;
  /** Name of the gRPC status. */
  readonly grpc?: string;
}

/** A rule and what to do when it is broken. */
export interface RefusalReason {
  /** The rule that was broken, in one line. */
  readonly rule: string;
  /** What to look at or to run, in one or two sentences. */
  readonly remedy: string;
}

/** One code of a stage. */
export interface RefusalRow extends RefusalReason {
  readonly sees: WireEffect;
  /** What the record's `expected` holds; absent where it has none. */
  readonly expected?: string;
  /** What the record's `got` holds; absent where it has none. */
  readonly got?: string;
  /** Where one code stands for several rules: each by the word that tells them apart in the log. */
  readonly reasons?: Readonly<Record<string, RefusalReason>>;
}

/** The rows of a stage by code. */
export type RefusalTable = Readonly<Record<string, RefusalRow>>;
