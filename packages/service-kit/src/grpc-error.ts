/**
 * Errors over gRPC with typed details (google.rpc.Status in `grpc-status-details-bin`): how a server makes them and how a
 * client reads them.
 */
import { Any, BadRequest, ErrorInfo, type FieldProblem, RpcStatus } from '@countersign/contracts';
import { Metadata, type ServiceError, status as Status } from '@grpc/grpc-js';

const DETAILS = 'grpc-status-details-bin';
/** gRPC's trailer that tells a client when to try again; negative: not at all. */
const RETRY_PUSHBACK = 'grpc-retry-pushback-ms';
const TYPE_PREFIX = 'type.googleapis.com/';
const DOMAIN = 'countersign';

/** What a gRPC error says beyond its code. */
export interface GrpcErrorDetails {
  /** Upper-case constant. */
  readonly reason?: string;
  readonly field?: string;
  readonly decisionId?: string;
}

/** An error that a handler throws to end its call: code, text and details go to the caller as they are. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: Status;
  readonly details: string;
  readonly metadata: Metadata;

  /** @param details text for the caller: no addresses, no causes */
  constructor(code: Status, details: string, metadata = new Metadata()) {
    super(details);
    this.code = code;
    this.details = details;
    this.metadata = metadata;
  }
}

/** An error to end a call with. `reason` goes to the caller in an ErrorInfo. */
export function grpcError(code: Status, details: string, reason?: string): GrpcError {
  if (reason === undefined) return new GrpcError(code, details);
  const info = ErrorInfo.fromPartial({ reason, domain: DOMAIN });
  return withDetails(code, details, 'google.rpc.ErrorInfo', ErrorInfo.encode(info).finish());
}

/** INVALID_ARGUMENT that names the field. */
export function invalidField({ field, rule }: FieldProblem): GrpcError {
  const request = BadRequest.fromPartial({ fieldViolations: [{ field, description: rule }] });
  return withDetails(
    Status.INVALID_ARGUMENT,
    `${field} ${rule}`,
    'google.rpc.BadRequest',
    BadRequest.encode(request).finish(),
  );
}

/** Reads what a failed call's status carries. Bytes that can't be read count as none: they only explain. */
export function detailsOf(error: Pick<ServiceError, 'metadata'>): GrpcErrorDetails {
  const bytes = error.metadata?.get(DETAILS)[0];
  if (!Buffer.isBuffer(bytes)) return {};
  try {
    return Object.assign({}, ...RpcStatus.decode(bytes).details.map(readDetail));
  } catch {
    return {};
  }
}

/** Whether a rejection is the error of a gRPC call. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'metadata' in error;
}

/** Texts that the called service wrote for a caller; all others may name addresses or causes of this hop. */
const WRITTEN_FOR_CALLERS: ReadonlySet<Status> = new Set([
  Status.INVALID_ARGUMENT,
  Status.NOT_FOUND,
  Status.ALREADY_EXISTS,
  Status.FAILED_PRECONDITION,
  Status.PERMISSION_DENIED,
  Status.UNAUTHENTICATED,
  Status.RESOURCE_EXHAUSTED,
]);

/** A failed call to the next service as the answer to one's own caller: the code, the typed details, and a text without addresses. */
export function relayError(error: ServiceError): GrpcError {
  const metadata = new Metadata();
  for (const value of error.metadata.get(DETAILS)) metadata.add(DETAILS, value);
  // This hop has tried again already. Without it every hop would, and three attempts each make nine at the third.
  if (error.code === Status.UNAVAILABLE) metadata.set(RETRY_PUSHBACK, '-1');
  const details = WRITTEN_FOR_CALLERS.has(error.code)
    ? error.details
    : `the next service answered ${Status[error.code]}`;
  return new GrpcError(error.code, details, metadata);
}

function withDetails(code: Status, message: string, type: string, value: Uint8Array): GrpcError {
  const any = Any.fromPartial({ typeUrl: TYPE_PREFIX + type, value: Buffer.from(value) });
  const metadata = new Metadata();
  metadata.set(
    DETAILS,
    Buffer.from(RpcStatus.encode(RpcStatus.fromPartial({ code, message, details: [any] })).finish()),
  );
  return new GrpcError(code, message, metadata);
}

function readDetail({ typeUrl, value }: Any): GrpcErrorDetails {
  if (typeUrl === `${TYPE_PREFIX}google.rpc.ErrorInfo`) {
    const { reason, metadata } = ErrorInfo.decode(value);
    const decisionId = metadata['decision_id'];
    return { reason, ...(decisionId === undefined ? {} : { decisionId }) };
  }
  if (typeUrl === `${TYPE_PREFIX}google.rpc.BadRequest`) {
    const field = BadRequest.decode(value).fieldViolations[0]?.field;
    return field === undefined ? {} : { field };
  }
  return {};
}
