/**
 * The process's log: one JSON object a line on standard output, with the IDs of the active span and whatever the caller's
 * context adds. Nothing secret passes: the known names of secrets are censored wherever a log call puts them.
 */
import { writeSync } from 'node:fs';
import { type DestinationStream, type Logger, pino } from 'pino';
import { bridgeLine } from './log-bridge.ts';
import { activeTraceIds } from './span.ts';

export type { Logger } from 'pino';

/** Names whose value never reaches a line, at the top level or one below. */
const SECRET_NAMES = [
  'authorization',
  'cookie',
  'privateKey',
  'privateKeyPem',
  'key',
  'token',
  'secret',
  'values',
  'parameters',
];

/** How {@link createLogger} writes. */
export interface LoggerOptions {
  /** The service's name, on every line as `service`. */
  readonly service: string;
  /** `trace`, `debug`, `info` (default), `warn`, `error`, `fatal` or `silent`. */
  readonly level?: string;
  /** Fields of the call in progress (self, peer, decision), asked for on every line. */
  readonly callFields?: () => Readonly<Record<string, unknown>> | undefined;
  /** Where lines go. Default: standard output, written synchronously, so that the last line before an exit is not lost. */
  readonly destination?: DestinationStream;
}

/**
 * Makes the process's logger.
 * @example createLogger({ service: 'backend' }).info({ event: 'ready' })
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level ?? 'info',
    base: { service: options.service },
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    hooks: {
      streamWrite: (line: string) => {
        bridgeLine(line);
        return line;
      },
    },
    mixin: () => ({ ...activeTraceIds(), ...options.callFields?.() }),
  };
  return pino(settings, options.destination ?? standardOutput);
}

/**
 * Standard output, written synchronously. Not pino's own destination: when the reader has gone, that one tries again for
 * ever as the process exits, so a service whose parent was killed would never end.
 */
const standardOutput: DestinationStream = {
  write(line) {
    try {
      writeSync(1, line);
    } catch (error) {
      // A full pipe takes the line later; a broken one has no reader, and that must not stop the service from ending.
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') process.stdout.write(line);
    }
  },
};
