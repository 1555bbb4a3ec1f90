/**
 * What a service tells about itself, switched on in a process that is measured: spans and records by OTLP, to a receiver
 * that reads and forgets them, and log lines to nowhere. What it costs to write a line is counted, what a terminal costs is not.
 */
import { openSync, writeSync } from 'node:fs';
import { devNull } from 'node:os';
import { partyOf, selfOf } from '@countersign/service-kit';
import type { X509Source } from '@countersign/spiffe-tls';
import { createLogger, currentCallFields, type Logger, startTelemetry } from '@countersign/telemetry';

/** Starts telemetry, once in a process, and gives its log. */
export function startTelling(serviceName: string, source: X509Source): Logger {
  const nowhere = openSync(devNull, 'w');
  const destination = { write: (line: string) => void writeSync(nowhere, line) };
  const logger = createLogger({ service: serviceName, callFields: currentCallFields, destination });
  startTelemetry({
    serviceName,
    // The SDK reads the variables itself; they come from the run.
    env: process.env,
    logger,
    self: () => selfOf(source),
    httpPeer: (message) => partyOf(message)?.id,
  });
  return logger;
}
