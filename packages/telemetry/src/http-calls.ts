/**
 * One log line for every HTTP request, refused ones too. A handler of the usual three arguments, so it fits Express and
 * anything like it, and it must come first.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CallRecord, callFields, type Party, withCallRecord } from './call-record.ts';
import type { Logger } from './log.ts';
import { activeTraceIds } from './span.ts';

/** What {@link createHttpCallLog} needs to know of the identities involved. */
export interface HttpCallLogOptions {
  readonly logger: Logger;
  readonly transport: 'http' | 'https';
  /** Who this process is at the moment. */
  readonly self: () => Party | undefined;
  /** Who sent the request, as verified on the connection. Default: nobody knows. */
  readonly peerOf?: (request: IncomingMessage) => Party | undefined;
}

/** Makes the handler. The line is written when the response is finished, or the client has gone (`aborted`). */
export function createHttpCallLog(options: HttpCallLogOptions) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const record: CallRecord = {
      transport: options.transport,
      self: options.self(),
      peer: options.peerOf?.(request),
      startedMs: performance.now(),
      operation: undefined,
      decision: undefined,
    };
    const ids = activeTraceIds();
    response.once('close', () => {
      options.logger.info({
        event: 'request',
        ...ids,
        ...callFields(record),
        method: request.method,
        status: response.statusCode,
        ...(response.writableFinished ? {} : { aborted: true }),
        duration_ms: Math.round(performance.now() - record.startedMs),
      });
    });
    withCallRecord(record, next);
  };
}
