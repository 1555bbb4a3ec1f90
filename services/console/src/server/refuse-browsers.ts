/**
 * Guard of the OTLP port. Only programs send telemetry to it: what comes from a page, of whatever origin, is a forgery of
 * the map. Every browser sends `Origin` with a POST, and Fetch metadata with anything to loopback.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { checkHost, type Problem, sendProblem } from '@countersign/service-kit';

/** How it guards. */
export interface BrowserGuardOptions {
  readonly allowedHosts: ReadonlySet<string>;
  readonly onRefusal: (problem: Problem, request: IncomingMessage) => void;
}

/** Puts the guard before a handler. */
export function refuseBrowsers(
  handle: RequestListener,
  { allowedHosts, onRefusal }: BrowserGuardOptions,
): RequestListener {
  return (request, response) => {
    const problem = checkHost(request, allowedHosts) ?? checkSender(request);
    if (problem === undefined) {
      handle(request, response);
      return;
    }
    onRefusal(problem, request);
    // The body is not read: the connection can't be used for another request.
    response.setHeader('connection', 'close');
    sendProblem(response, problem);
  };
}

function checkSender({ headers }: IncomingMessage): Problem | undefined {
  const sign = Object.keys(headers).find((name) => name === 'origin' || name.startsWith('sec-fetch-'));
  if (sign === undefined) return undefined;
  return {
    status: 403,
    detail: 'Telemetry is taken from programs, not from pages.',
    reason: 'BROWSER_REFUSED',
    expected: 'neither Origin nor Fetch metadata',
    got: `${sign}: ${JSON.stringify(String(headers[sign]).slice(0, 120))}`,
  };
}
