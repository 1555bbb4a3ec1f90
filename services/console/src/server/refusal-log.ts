/** The log line of a request that was refused at one of the console's ports. */
import type { IncomingMessage } from 'node:http';
import type { Problem } from '@countersign/service-kit';
import type { Logger } from '@countersign/telemetry';

/** Makes what writes it. What came from outside is cut, and quoted by whoever found the problem. */
export function logRefusal(logger: Logger) {
  return ({ status, reason, expected, got }: Problem, request: IncomingMessage): void => {
    const operation = `${request.method} ${(request.url ?? '').slice(0, 120)}`;
    logger.warn({
      event: 'refused',
      transport: 'http',
      role: 'server',
      code: reason,
      status,
      expected,
      got,
      operation,
    });
  };
}
