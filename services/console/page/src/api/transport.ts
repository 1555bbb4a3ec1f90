/**
 * One request to the console and its answer. What changes state carries the token of the console's present run; when the
 * console has been started again since, its refusal is met by fetching the new token, once, and asking again.
 */
import type { Problem } from '../../../src/wire/actions.ts';
import { TOKEN_HEADER } from '../../../src/wire/actions.ts';
import { DecodeError, type Decoder, number, object, optional, text } from './decode.ts';
import { ApiProblem } from './problem.ts';

/** What requests are made with. */
export interface TransportOptions {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  /** The token in use, or a new one when `fresh`. */
  readonly token: (fresh: boolean, signal: AbortSignal) => Promise<string>;
}

/** Of one request. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default 15 s. */
  readonly timeoutMs?: number;
}

/** Makes requests. */
export interface Transport {
  get<T>(path: string, decoder: Decoder<T>, options?: CallOptions): Promise<T>;
  post<T>(path: string, body: object, decoder: Decoder<T>, options?: CallOptions): Promise<T>;
}

const TIMEOUT_MS = 15_000;

const problemDocument = object<Problem>({
  status: number,
  detail: text,
  reason: optional(text),
  expected: optional(text),
  got: optional(text),
});

/** @throws everything as it comes; `toProblem` makes it fit to be shown */
export function createTransport({ fetch, token }: TransportOptions): Transport {
  const send = async (path: string, body: object, fresh: boolean, signal: AbortSignal) =>
    fetch(path, {
      method: 'POST',
      signal,
      headers: { 'content-type': 'application/json', [TOKEN_HEADER]: await token(fresh, signal) },
      body: JSON.stringify(body),
    });
  return {
    async get(path, decoder, options = {}) {
      return read(await fetch(path, { signal: signalOf(options), headers: { accept: 'application/json' } }), decoder);
    },
    async post(path, body, decoder, options = {}) {
      const signal = signalOf(options);
      try {
        return await read(await send(path, body, false, signal), decoder);
      } catch (error) {
        if (!(error instanceof ApiProblem && error.isStaleToken)) throw error;
        return read(await send(path, body, true, signal), decoder);
      }
    },
  };
}

function signalOf({ signal, timeoutMs = TIMEOUT_MS }: CallOptions): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
}

async function read<T>(response: Response, decoder: Decoder<T>): Promise<T> {
  if (!response.ok) throw await problemOf(response);
  const value: unknown = await response.json().catch(() => undefined);
  try {
    return decoder(value, '');
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new ApiProblem(
      {
        status: response.status,
        reason: 'MALFORMED_ANSWER',
        detail: `The console answered something else than this page understands; reload the page. ${error.message}`,
      },
      { cause: error },
    );
  }
}

/** Whatever stands in front of the console may answer without a problem document; its status is told then. */
async function problemOf(response: Response): Promise<ApiProblem> {
  const value: unknown = await response.json().catch(() => undefined);
  try {
    return new ApiProblem(problemDocument(value, ''));
  } catch {
    return new ApiProblem({ status: response.status, detail: `The console answered HTTP ${response.status}.` });
  }
}
