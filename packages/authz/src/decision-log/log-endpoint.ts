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
  /** Nothing was heard, or something that another attempt can change: 408, 425, 429, 5xx. */
  | { readonly kind: 'retry'; readonly why: string };

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
          resolve(outcomeOf(response.statusCode ?? 0));
        });
        sent.end(body);
      }),
  };
}

function outcomeOf(status: number): UploadOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const why = `the receiver answered ${status}`;
  return { kind: status >= 300 && status < 500 && !PASSING.has(status) ? 'refused' : 'retry', why };
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
