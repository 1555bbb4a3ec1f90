/**
 * A refusal as a gRPC status, with `google.rpc.Status` and `google.rpc.ErrorInfo` in `grpc-status-details-bin`, the way that
 * every gRPC library reads details. The one translation to gRPC, and its reader for clients.
 */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import type { Refusal } from './authorize-call.ts';
import { developmentDetails } from './development-details.ts';

/** `google.rpc.ErrorInfo`: why a call was refused, for programs. */
export interface ErrorInfo {
  /** A refusal's code: `POLICY_DENIED`, `PEER_NOT_VERIFIED`, `CHAIN_REPLAYED`. */
  readonly reason: string;
  /** {@link ERROR_DOMAIN} when a guard made it. */
  readonly domain: string;
  /** `decision_id`; in development also `reason`, `rule`, `expected`, `got` and `remedy`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Whose reasons these are. */
export const ERROR_DOMAIN = 'authz.countersign';

const DETAILS = 'grpc-status-details-bin';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';

const ANSWERS = {
  unauthenticated: {
    code: status.UNAUTHENTICATED,
    message: 'the connection has no verified SPIFFE ID, or has one no longer',
  },
  chain: { code: status.UNAUTHENTICATED, message: 'the caller chain of the call does not verify' },
  malformed: { code: status.INVALID_ARGUMENT, message: 'the path of the call is not acceptable' },
  denied: { code: status.PERMISSION_DENIED, message: 'the policy does not allow this call' },
  unavailable: { code: status.UNAVAILABLE, message: 'no decision could be made: try again later' },
} as const;

/** What the peer is told: a code and the decision's ID; in development also which rule refused, and what to do. */
export function toGrpcStatus(refusal: Refusal, development = false): StatusObject {
  const { kind, decisionId } = refusal;
  const { code, message } = ANSWERS[kind];
  const inDevelopment = development ? developmentDetails(refusal) : {};
  const info = { reason: refusal.code, domain: ERROR_DOMAIN, metadata: { decision_id: decisionId, ...inDevelopment } };
  const metadata = new Metadata();
  metadata.set(DETAILS, Buffer.from(encodeStatus(code, message, info)));
  return { code, details: `${message} (decision ${decisionId})`, metadata };
}

/**
 * The details of a refused call, as a client sees them; `undefined` when there are none or they are malformed. They are the
 * server's words: believe them as far as the server.
 */
export function errorInfoOf(error: Pick<ServiceError, 'metadata'>): ErrorInfo | undefined {
  const [bytes] = error.metadata.get(DETAILS);
  if (!(bytes instanceof Uint8Array)) return undefined;
  try {
    return decodeStatus(bytes);
  } catch {
    return undefined;
  }
}

/** Field numbers are those of googleapis' `google/rpc/status.proto` and `error_details.proto`. */
function encodeStatus(code: number, message: string, info: ErrorInfo): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, 0).int32(code).tag(2, 2).string(message);
  writer.tag(3, 2).fork().tag(1, 2).string(ERROR_INFO).tag(2, 2).bytes(encodeInfo(info)).join();
  return writer.finish();
}

function encodeInfo({ reason, domain, metadata }: ErrorInfo): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, 2).string(reason).tag(2, 2).string(domain);
  for (const [key, value] of Object.entries(metadata))
    writer.tag(3, 2).fork().tag(1, 2).string(key).tag(2, 2).string(value).join();
  return writer.finish();
}

function decodeStatus(bytes: Uint8Array): ErrorInfo | undefined {
  for (const detail of fields(bytes, 3)) {
    const [type] = fields(detail, 1);
    const [value] = fields(detail, 2);
    if (type !== undefined && value !== undefined && text(type) === ERROR_INFO) return decodeInfo(value);
  }
  return undefined;
}

function decodeInfo(bytes: Uint8Array): ErrorInfo {
  const entries = fields(bytes, 3).map((entry): [string, string] => [
    text(fields(entry, 1)[0]),
    text(fields(entry, 2)[0]),
  ]);
  return {
    reason: text(fields(bytes, 1)[0]),
    domain: text(fields(bytes, 2)[0]),
    metadata: Object.fromEntries(entries),
  };
}

/** All values of one length-delimited field. */
function fields(bytes: Uint8Array, number: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const values: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === number && wireType === 2) values.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return values;
}

function text(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : new TextDecoder().decode(bytes);
}
