/**
 * The cluster's API over HTTP, by `kubectl proxy` on a Unix socket that nobody else can open: looking often is cheap, logs
 * and watches are streams, and a refusal is an answer with a status and a reason.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { firstLineOf, startKubectl } from './kubectl.ts';

/** What came back, whatever it is. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** What is sent beside the path. */
export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: object;
  /** Of the body. Default JSON; a patch says which kind it is. */
  readonly contentType?: string;
}

/** The API of one cluster. */
export interface Api extends AsyncDisposable {
  /** An object or a list. Rejects when there is none. */
  get<T>(path: string): Promise<T>;
  /** Any answer is one. */
  send(path: string, request: ApiRequest): Promise<ApiAnswer>;
  /** The same for what must work. */
  apply(path: string, request: ApiRequest): Promise<void>;
  /** Gives each line of a stream until it ends or the signal is aborted. Rejects where there is no such stream. */
  lines(path: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void>;
}

/** A patch as `kubectl patch` sends it. */
export const MERGE_PATCH = 'application/merge-patch+json';

/** Opens it. */
export async function openApi(): Promise<Api> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-api-'));
  const socketPath = join(folder, 'api.sock');
  const proxy = startKubectl(['proxy', `--unix-socket=${socketPath}`]);
  // It says that it serves, and nothing else.
  await firstLineOf(proxy);
  const send = async (path: string, call: ApiRequest) => {
    const response = await open(socketPath, path, call);
    return { status: response.statusCode ?? 0, text: await textOf(response) };
  };
  const sendWell = async (path: string, call: ApiRequest) => {
    const { status, text } = await send(path, call);
    if (status >= 300) throw new Error(`${call.method ?? 'GET'} ${path}: ${status} ${text}`);
    return text;
  };
  return {
    send,
    get: async (path) => JSON.parse(await sendWell(path, {})),
    apply: async (path, call) => void (await sendWell(path, call)),
    async lines(path, signal, onLine) {
      const response = await open(socketPath, path, { signal });
      if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${await textOf(response)}`);
      await readLines(response, onLine);
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function open(
  socketPath: string,
  path: string,
  { method = 'GET', body, contentType = 'application/json', signal }: ApiRequest & { readonly signal?: AbortSignal },
): Promise<IncomingMessage> {
  const headers = body === undefined ? {} : { 'content-type': contentType };
  return new Promise((resolve, reject) => {
    // Of its own: no kept-alive connection outlives the proxy.
    const options = { socketPath, path, method, headers, agent: false, ...(signal === undefined ? {} : { signal }) };
    request(options, resolve)
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text;
}

/** How a stream ends says nothing: pods go, and so do we. */
function readLines(response: IncomingMessage, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: response });
    lines.on('line', onLine);
    response.on('error', () => lines.close());
    lines.on('error', () => {});
    response.on('close', resolve);
  });
}
