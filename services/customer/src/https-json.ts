/** One JSON request over HTTPS with a deadline, and an answer of bounded size. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type Agent, request as httpsRequest } from 'node:https';
import { type DeadlineMs, remainingMs, TIMEOUT_HEADER } from '@countersign/service-kit';

/** A request. */
export interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as JSON. */
  readonly body?: object;
  readonly deadline: DeadlineMs;
  /** Headers made for each attempt: a signed link is good for one. */
  readonly signHeaders: (act: string) => Promise<OutgoingHttpHeaders>;
}

/** Its answer, whatever the status. */
export interface JsonAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** `undefined` when the body is no JSON. */
  readonly document: unknown;
}

const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Sends it. Every request that customer makes may be sent twice (reads, and orders with an idempotency key), so one that
 * met a connection just being closed is sent again: until a new connection is made for it, since a server that goes closes
 * all that were kept.
 */
export async function requestJson(agent: Agent, request: JsonRequest): Promise<JsonAnswer> {
  for (;;) {
    try {
      return await send(agent, request);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
    }
  }
}

/** A kept connection ended before any answer came. */
class StaleConnection extends Error {}

async function send(
  agent: Agent,
  { method, url, headers, body, deadline, signHeaders }: JsonRequest,
): Promise<JsonAnswer> {
  const signed = await signHeaders(`${method} ${url.pathname}`);
  const timeoutMs = remainingMs(deadline);
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const request = httpsRequest(url, {
      agent,
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        accept: 'application/json',
        ...headers,
        ...signed,
        [TIMEOUT_HEADER]: String(timeoutMs),
        ...(payload && { 'content-type': 'application/json', 'content-length': payload.length }),
      },
    });
    request.once('error', (error) => {
      const stale = request.reusedSocket && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(stale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        const document = parseJson(Buffer.concat(chunks).toString('utf8'));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, document });
      });
    });
    request.end(payload);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
