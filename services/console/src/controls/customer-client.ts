/** Requests to the customer, as any client of its API would make them: plain HTTP, no identity, a deadline for each. */
import { Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { ApiError } from '../server/api-error.ts';

/** One request. */
export interface CustomerRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** An answer that was read to its end. */
export interface CustomerAnswer {
  readonly status: number;
  /** The JSON document of the answer. */
  readonly document: unknown;
}

/** The customer, over a bounded number of connections. */
export interface CustomerClient {
  /** Resolves with the answer's head; its body is the caller's to read. */
  open(request: CustomerRequest): Promise<IncomingMessage>;
  /** Places an order: the customer's own answer, whatever its status. @throws {ApiError} when there is none */
  placeOrder(body: unknown): Promise<CustomerAnswer>;
  close(): void;
}

/** Longer than the customer itself gives a call. */
const DEADLINE_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 96;

/** @param url where the customer listens */
export function createCustomerClient(url: URL, deadlineMs: number = DEADLINE_MS): CustomerClient {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS });
  const open = ({ method, path, headers, body, signal }: CustomerRequest) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const request = httpRequest(new URL(path, url), { method, agent, signal, ...(headers && { headers }) });
      request.once('response', resolve);
      request.on('error', reject);
      request.end(body);
    });
  return {
    open,
    async placeOrder(body) {
      const signal = AbortSignal.timeout(deadlineMs);
      const headers = { 'content-type': 'application/json' };
      try {
        const answer = await open({
          method: 'POST',
          path: '/api/orders',
          headers,
          body: JSON.stringify(body),
          signal,
        });
        return { status: answer.statusCode ?? 502, document: parseAnswer(await readBounded(answer)) };
      } catch (error) {
        throw toApiError(error, signal.aborted);
      }
    },
    close: () => agent.destroy(),
  };
}

/** Reads a body. @throws {ApiError} `BAD_ANSWER` when it has more bytes than any answer of the API */
export async function readBounded(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const part: Buffer = chunk;
    bytes += part.length;
    if (bytes > MAX_ANSWER_BYTES) throw badAnswer(`more than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString();
}

/** @throws {ApiError} `BAD_ANSWER` when it is no JSON */
export function parseAnswer(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badAnswer('no JSON');
  }
}

function badAnswer(what: string): ApiError {
  return new ApiError({ status: 502, detail: `The customer answered with ${what}.`, reason: 'BAD_ANSWER' });
}

function toApiError(error: unknown, late: boolean): ApiError {
  if (error instanceof ApiError) return error;
  if (late) {
    return new ApiError({ status: 504, detail: 'The customer did not answer in time.', reason: 'DEADLINE_EXCEEDED' });
  }
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code).slice(0, 40)})` : '';
  return new ApiError({ status: 503, detail: `The customer can't be reached${code}.`, reason: 'UNAVAILABLE' });
}
