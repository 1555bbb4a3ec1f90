/**
 * The record of a refusal, written by the side that refuses: TLS 1.3 tells the other side nothing, so this is the only
 * place where *expected X, got Y* can be read. Also the names of the diagnostics channels.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { SpiffeTlsError, type SpiffeTlsErrorCode } from './errors.ts';
import type { Peer } from './peer.ts';

/** The protocol above TLS. */
export type Transport = 'https' | 'grpc' | 'postgres' | 'tls';

/** An IP address and port as the socket had them. */
export interface Endpoint {
  /** IPv4 or IPv6. */
  readonly address: string;
  /** As the socket had it. */
  readonly port: number;
}

/** One refused connection, fit for a log line: never keys or whole certificates. */
export interface RefusalRecord {
  /** ISO 8601. */
  readonly at: string;
  /** Which side refuses, ours: `server` refused a client, `client` refused a server. */
  readonly role: 'server' | 'client';
  /** What was to be spoken. */
  readonly transport: Transport;
  /** The same codes as those of errors. */
  readonly code: SpiffeTlsErrorCode;
  /** The rule that was broken. */
  readonly rule: string;
  /** Who or what would have been accepted. */
  readonly expected?: string;
  /** What came, quoted and cut. */
  readonly got?: string;
  /** One sentence with all of it. */
  readonly message: string;
  /** The own SPIFFE ID, where there is one. */
  readonly self?: string;
  /** The SPIFFE ID in the peer's certificate. Proven only where `code` is `PEER_NOT_AUTHORIZED`; otherwise a claim. */
  readonly peerId?: string;
  /** The own end of the connection. */
  readonly local?: Endpoint;
  /** The peer's end. */
  readonly remote?: Endpoint;
}

/** What the `spiffe-tls:verified` channel carries, once for each connection. */
export interface VerifiedRecord {
  /** Which side is ours. */
  readonly role: 'server' | 'client';
  /** What is spoken. */
  readonly transport: Transport;
  /** The own SPIFFE ID that was presented, and its serial number; not there where the mode presents none. */
  readonly self?: string;
  readonly selfSerial?: string;
  /** Who the other side is. */
  readonly peer: Peer;
  /** The own end of the connection. */
  readonly local?: Endpoint;
  /** The peer's end. */
  readonly remote?: Endpoint;
}

/** `diagnostics_channel` with a {@link RefusalRecord} for each refused connection. */
export const REFUSED_CHANNEL = 'spiffe-tls:refused';
/** `diagnostics_channel` with a {@link VerifiedRecord} for each accepted connection. */
export const VERIFIED_CHANNEL = 'spiffe-tls:verified';

const refused = diagnosticsChannel.channel(REFUSED_CHANNEL);
const verified = diagnosticsChannel.channel(VERIFIED_CHANNEL);

/** Both ends of a connection. Read it before the socket is destroyed: afterwards the addresses are gone. */
export interface Endpoints {
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
}

/** Reads both ends of a socket, as far as it has them. */
export function endpointsOf(socket: Socket): Endpoints {
  const local = endpoint(socket.localAddress, socket.localPort);
  const remote = endpoint(socket.remoteAddress, socket.remotePort);
  return { ...(local && { local }), ...(remote && { remote }) };
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address, port };
}

/** What {@link refusalOf} needs beside the error. */
export interface RefusalContext extends Endpoints {
  readonly role: 'server' | 'client';
  readonly transport: Transport;
  readonly nowMs: number;
  readonly self?: string;
  readonly peerId?: string;
}

/** Builds the record of a refusal. */
export function refusalOf(error: SpiffeTlsError, context: RefusalContext): RefusalRecord {
  const { nowMs, ...rest } = context;
  const other = context.role === 'server' ? 'client' : 'server';
  const who = context.remote === undefined ? other : `${other} ${context.remote.address}:${context.remote.port}`;
  return {
    at: new Date(nowMs).toISOString(),
    ...rest,
    code: error.code,
    rule: ruleOf(error),
    ...(error.expected === undefined ? {} : { expected: error.expected }),
    ...(error.got === undefined ? {} : { got: error.got }),
    message: `refused ${context.transport} ${who}: ${sentenceOf(error)}`,
  };
}

function ruleOf(error: SpiffeTlsError): string {
  const got = error.message.lastIndexOf(', got ');
  return got === -1 ? error.message : error.message.slice(0, got);
}

/** The error's message, with *expected X, got Y* added where it does not say so itself. */
export function sentenceOf(error: SpiffeTlsError): string {
  if (error.expected === undefined || error.message.includes(error.expected)) return error.message;
  return `${error.message}: expected ${error.expected}${error.got === undefined ? '' : `, got ${error.got}`}`;
}

/** Hands a refusal to whoever listens. Call it after the socket is destroyed: a listener must not be able to delay that. */
export function reportRefusal(record: RefusalRecord, onRefused?: (record: RefusalRecord) => void): void {
  if (refused.hasSubscribers) refused.publish(record);
  onRefused?.(record);
}

/** Tells the `spiffe-tls:verified` channel; the record is only built when somebody subscribed. */
export function reportVerified(record: () => VerifiedRecord): void {
  if (verified.hasSubscribers) verified.publish(record());
}

/** Turns whatever a source or verifier threw into our error, so that a bug in it refuses too. */
export function toSpiffeTlsError(error: unknown): SpiffeTlsError {
  if (error instanceof SpiffeTlsError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new SpiffeTlsError('NOT_VERIFIED', `peer: verification failed: ${text}`, { cause: error });
}
