/** What a client process puts under load, whatever the transport. */

/** One request and its checked answer. */
export type Operation = () => Promise<void>;

/** Where to call, and how. */
export interface Target {
  readonly port: number;
  /** The caller's own SPIFFE ID, which the answer has to name. */
  readonly selfId: string;
  /** A connection for each request, handshake included, instead of one that is kept for each that is at work at a time. */
  readonly newConnections: boolean;
}

/** Calls to make, and what they went over. */
export interface Caller {
  readonly operation: Operation;
  /** The kinds of handshake since the last time this was asked: protocol, cipher, full or resumed. gRPC does not tell. */
  takeHandshakes(): string[];
  close(): void;
}
