/** What goes wrong at the database, as gRPC statuses. The caller gets a code; the cause goes to the log, without values. */
import { type GrpcError, grpcError } from '@countersign/service-kit';
import type { Logger } from '@countersign/telemetry';
import { status as Status } from '@grpc/grpc-js';

/** SQLSTATEs that a caller can do something about. */
const BY_SQLSTATE: Readonly<Record<string, [Status, string, string]>> = {
  '42501': [Status.PERMISSION_DENIED, 'the database role may not do this', 'DATABASE_REFUSED'],
  '57014': [Status.DEADLINE_EXCEEDED, 'the database took too long', 'DATABASE_TIMEOUT'],
  '55P03': [Status.DEADLINE_EXCEEDED, 'the database took too long', 'DATABASE_TIMEOUT'],
  '40001': [Status.UNAVAILABLE, 'the database asks to try again', 'DATABASE_CONFLICT'],
  '40P01': [Status.UNAVAILABLE, 'the database asks to try again', 'DATABASE_CONFLICT'],
};

/** Errors of the connection have no SQLSTATE, or one of these classes: connection, operator intervention, resources. */
const UNREACHABLE = /^(08|57P|53)/;

/** Translates and logs. */
export function toGrpcStatus(error: unknown, logger: Logger): GrpcError {
  const sqlState = sqlStateOf(error);
  const known = sqlState === undefined ? undefined : BY_SQLSTATE[sqlState];
  // PostgreSQL's `detail` and its messages about input quote values: neither is logged.
  logger.warn({
    event: 'database_error',
    sqlstate: sqlState,
    ...(sqlState === undefined && { message: messageOf(error) }),
  });
  if (known !== undefined) return grpcError(...known);
  if (sqlState === undefined || UNREACHABLE.test(sqlState)) {
    return grpcError(Status.UNAVAILABLE, 'the database can not be reached', 'DATABASE_UNAVAILABLE');
  }
  return grpcError(Status.INTERNAL, 'the database refused the statement');
}

/** PostgreSQL's own errors have a severity beside the code; those of sockets have a code too, but no severity. */
function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300);
}
