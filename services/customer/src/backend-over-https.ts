/** {@link Backend} over HTTPS. */
import type { Agent } from 'node:https';
import type { OrderJson } from '@countersign/contracts';
import { type DeadlineMs, HOPS_NAME, type Problem, parseHops } from '@countersign/service-kit';
import { SpiffeTlsError } from '@countersign/spiffe-tls';
import { type Backend, BackendError, type Reply } from './backend.ts';
import { type JsonAnswer, type JsonRequest, requestJson } from './https-json.ts';

/** Where backend is and how to get there. */
export interface HttpsBackendOptions {
  readonly url: URL;
  /** Verifies backend's SPIFFE ID before a byte is sent. */
  readonly agent: Agent;
  /** The caller chain's headers for one attempt, by method and path. */
  readonly signHeaders: JsonRequest['signHeaders'];
  /** Keeps texts about causes, which say *expected X, got Y* about a server that was refused. */
  readonly development: boolean;
}

/** Statuses of backend's that say something about the request; what is not listed is backend's fault: 502. */
const PASSED_ON: ReadonlySet<number> = new Set([400, 403, 404, 409, 413, 415, 429, 503, 504]);

/** Makes it. */
export function createHttpsBackend(options: HttpsBackendOptions): Backend {
  const call = (method: JsonRequest['method'], path: string, deadline: DeadlineMs, rest: Partial<JsonRequest> = {}) =>
    callBackend(options, {
      method,
      url: new URL(path, options.url),
      deadline,
      signHeaders: options.signHeaders,
      ...rest,
    });
  return {
    hello: async (deadline) => map(await call('GET', '/hello', deadline), (document) => textIn(document, 'message')),
    create: async (order, idempotencyKey, deadline) => {
      const headers = { 'idempotency-key': idempotencyKey };
      const answer = await call('POST', '/orders', deadline, { body: order, headers });
      return map(answer, (document) => ({ order: orderIn(document), replayed: document['replayed'] === true }));
    },
    get: async (id, deadline) => map(await call('GET', `/orders/${encodeURIComponent(id)}`, deadline), orderIn),
    list: async ({ pageSize, pageToken }, deadline) => {
      const query = new URLSearchParams({
        ...(pageSize > 0 && { page_size: String(pageSize) }),
        ...(pageToken !== '' && { page_token: pageToken }),
      });
      const answer = await call('GET', query.size > 0 ? `/orders?${query.toString()}` : '/orders', deadline);
      return map(answer, (document) => ({
        orders: ordersIn(document),
        nextPageToken: textIn(document, 'next_page_token'),
      }));
    },
  };
}

async function callBackend({ agent, development }: HttpsBackendOptions, request: JsonRequest): Promise<JsonAnswer> {
  let answer: JsonAnswer;
  try {
    answer = await requestJson(agent, request);
  } catch (error) {
    throw new BackendError(problemOfFailure(error, development), error);
  }
  if (answer.status < 300) return answer;
  throw new BackendError(problemOfAnswer(answer));
}

/** No answer came: too late, or backend can't be reached, or it is not who it must be. */
function problemOfFailure(error: unknown, development: boolean): Problem {
  const cause = error instanceof Error ? error : new Error(String(error));
  const detail = (text: string) => (development ? `${text} ${cause.message}` : text);
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') {
    return { status: 504, detail: 'The answer did not come in time.', reason: 'DEADLINE_EXCEEDED' };
  }
  if (cause instanceof SpiffeTlsError) {
    return {
      status: 503,
      detail: detail('The server is not who it must be, or this service has no identity.'),
      reason: cause.code,
    };
  }
  return {
    status: 503,
    detail: detail('The next service can not be reached, or refused the connection.'),
    reason: 'UNAVAILABLE',
  };
}

function problemOfAnswer({ status, document }: JsonAnswer): Problem {
  const failed = { status: 502, detail: 'The next service failed.' };
  if (status === 401 && isRecord(document) && typeof document['code'] === 'string')
    // This service was not let in, by its connection or its chain: whoever asked it can't help that, but can look it up.
    return { ...failed, reason: document['code'], decision_id: decisionIn(document) };
  if (!PASSED_ON.has(status) || !isRecord(document)) return { ...failed, reason: 'BAD_ANSWER' };
  const text = (name: string) => (typeof document[name] === 'string' ? document[name] : undefined);
  return {
    status,
    detail: text('detail') ?? 'The next service refused.',
    reason: text('reason') ?? text('code'),
    field: text('field'),
    decision_id: text('decision_id'),
  };
}

function decisionIn({ decision_id: id }: Record<string, unknown>): string | undefined {
  return typeof id === 'string' ? id : undefined;
}

function map<T>({ document, headers }: JsonAnswer, read: (document: Record<string, unknown>) => T): Reply<T> {
  if (!isRecord(document)) throw badAnswer();
  const hops = headers[HOPS_NAME];
  return { value: read(document), hops: parseHops(typeof hops === 'string' ? hops : undefined) };
}

function textIn(document: Record<string, unknown>, name: string): string {
  const value = document[name];
  if (typeof value !== 'string') throw badAnswer();
  return value;
}

function orderIn(document: Record<string, unknown>): OrderJson {
  const { order } = document;
  if (!isOrder(order)) throw badAnswer();
  return order;
}

function ordersIn(document: Record<string, unknown>): OrderJson[] {
  const { orders } = document;
  if (!Array.isArray(orders) || !orders.every(isOrder)) throw badAnswer();
  return orders;
}

function isOrder(value: unknown): value is OrderJson {
  if (!isRecord(value)) return false;
  const texts = ['id', 'item', 'status', 'created_at', 'created_by'];
  return texts.every((name) => typeof value[name] === 'string') && typeof value['quantity'] === 'number';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function badAnswer(): BackendError {
  return new BackendError({
    status: 502,
    detail: 'The next service answered something else than it should.',
    reason: 'BAD_ANSWER',
  });
}
