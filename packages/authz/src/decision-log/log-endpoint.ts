/**
 * The HTTP side of OPA's decision-log service API: one POST an upload, over mutual TLS, or in the clear on loopback.
 * @see https://www.openpolicyagent.org/docs/management-decision-logs#decision-log-service-api
 */
import { type Agent, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIPv4 } from 'node:net';
import { quote } from '@countersign/spiffe-tls';

/** What became of an upload. */
export type UploadOutcome =
  /** 2xx. */
  | { readonly kind: 'taken' }
  /** The receiver does not want it, and would not a second time either: 4xx, or a redirect, which is not followed. */
  | { readonly kind: 'refused'; readonly why: string }
  /** It is too large for the receiver: 413. */
  | { readonly kind: 'too-large'; readonly why: string }
  /**
   * Nothing was heard, or something that another attempt can change: 408, 425, 429, 5xx, and 413 with `Retry-After`.
   * `afterMs` is what the receiver asks to be left alone for.
   */
  | { readonly kind: 'retry'; readonly why: string; readonly afterMs?: number };

/** Where uploads go. */
export interface LogEndpoint {
  /** Never rejects. Aborting is a `retry`. */
  upload(body: Buffer, signal: AbortSignal): Promise<UploadOutcome>;
}

/** How to reach the receiver. */
export interface LogEndpointOptions {
  /** The service's base; `/logs` and the partition are added. `https:`, or `http:` with a loopback IP address. */
  readonly url: URL;
  /** OPA's `partition_name`: letters, digits, `.`, `_`, `-`. Default: none. */
  readonly partition?: string;
  /** The agent of the connections; for `https:` required, because it is what verifies the receiver: `createSpiffeHttpsAgent`. */
  readonly agent?: Agent;
  /** An upload without an answer by then is tried again. Default 10 000; sane from 1000 to 60 000. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** What the receiver says beside its status interests nobody; more of it than this ends the connection. */
const MAX_ANSWER_BYTES = 65_536;
/** However long a receiver asks: the buffer is in memory, and a slip of a digit must not silence the log for days. */
const MAX_RETRY_AFTER_MS = 600_000;
/** The one form of a date that servers may send today. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
/** 4xx that speak of the moment, not of the upload. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** @throws {TypeError} for a URL that would send decisions in the clear or to a receiver that nobody verifies */
export function createLogEndpoint(options: LogEndpointOptions): LogEndpoint {
  const { agent, timeoutMs = TIMEOUT_MS } = options;
  const url = uploadUrl(options);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return {
    upload: (body, signal) =>
      new Promise((resolve) => {
        const sent = request(url, {
          method: 'POST',
          ...(agent === undefined ? {} : { agent }),
          headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': body.length },
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        sent.on('error', (error) => resolve({ kind: 'retry', why: error.message }));
        sent.on('response', (response) => {
          let bytes = 0;
          response.on('data', (part: Buffer) => {
            bytes += part.length;
            if (bytes > MAX_ANSWER_BYTES) response.destroy();
          });
          // An answer that breaks off after its status has still been given.
          response.on('error', () => {});
          resolve(outcomeOf(response.statusCode ?? 0, retryAfterMs(response.headers['retry-after'], Date.now())));
        });
        sent.end(body);
      }),
  };
}

function outcomeOf(status: number, afterMs: number | undefined): UploadOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const why = `the receiver answered ${status}`;
  // RFC 9110, section 15.5.14: with `Retry-After` the condition is temporary, and not about this upload.
  if (status === 413 && afterMs === undefined) return { kind: 'too-large', why };
  if (status >= 300 && status < 500 && status !== 413 && !PASSING.has(status)) return { kind: 'refused', why };
  return { kind: 'retry', why, ...(afterMs === undefined ? {} : { afterMs }) };
}

/**
 * `Retry-After` of RFC 9110, section 10.2.3: seconds, or a date. `undefined` for what is neither, and never longer than
 * a receiver may keep decisions from leaving.
 */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  const afterMs = /^\d{1,9}$/.test(value)
    ? Number(value) * 1000
    : HTTP_DATE.test(value)
      ? Date.parse(value) - nowMs
      : NaN;
  return Number.isNaN(afterMs) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, afterMs));
}

/** The URL of the uploads, checked. */
function uploadUrl({ url, partition, agent }: LogEndpointOptions): URL {
  const shown = quote(`${url.origin}${url.pathname}`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError(`decision log endpoint: URL must have no user, query or fragment, got ${shown}`);
  // ZERO TRUST: decisions name callers and what they did. They go to a verified receiver, or do not leave the machine.
  if (url.protocol === 'https:' && agent === undefined)
    throw new TypeError(`decision log endpoint: https needs an agent that verifies the receiver, for ${shown}`);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new TypeError(`decision log endpoint: URL must be https, or http with a loopback IP address, got ${shown}`);
  if (partition !== undefined && (!/^[A-Za-z0-9._-]{1,128}$/.test(partition) || /^\.+$/.test(partition)))
    throw new TypeError(
      `decision log endpoint: partition must be 1 to 128 letters, digits, ".", "_" or "-", got ${quote(partition)}`,
    );
  const base = url.href.replace(/\/$/, '');
  return new URL(`${base}/logs${partition === undefined ? '' : `/${partition}`}`);
}

function isLoopback(hostname: string): boolean {
  return hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'));
}
