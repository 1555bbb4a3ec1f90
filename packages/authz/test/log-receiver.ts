/**
 * A receiver of decision logs over real HTTP: answers what it is told, in turn, and keeps what it was sent.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';

/** One upload as it came. */
export interface Upload {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Compressed. */
  readonly bytes: Buffer;
  readonly json: string;
  readonly ids: readonly string[];
}

/** A status to answer with, or what else to do with the request. */
export type Answer = number | ((response: ServerResponse, upload: Upload) => void);

export interface LogReceiver {
  readonly url: URL;
  /** Every upload, whatever it was answered. */
  readonly uploads: readonly Upload[];
  /** IDs of the events that were answered 200, in the order in which they came. */
  readonly taken: () => readonly string[];
  /** Settles when there are that many uploads. */
  arrived(count: number): Promise<void>;
}

/** @param answers for the first requests; later ones are answered 200 */
export async function startLogReceiver(t: TestContext, answers: readonly Answer[] = []): Promise<LogReceiver> {
  const uploads: Upload[] = [];
  const taken: string[] = [];
  const left = [...answers];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    const bytes = Buffer.concat(await request.toArray());
    const json = gunzipSync(bytes).toString();
    const ids = parseIds(json);
    const upload = { path: request.url ?? '', headers: request.headers, bytes, json, ids };
    uploads.push(upload);
    const answer = left.shift() ?? 200;
    if (answer === 200) taken.push(...ids);
    if (typeof answer === 'function') answer(response, upload);
    else response.writeHead(answer).end();
    for (const look of [...waiting]) look();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    uploads,
    taken: () => taken,
    arrived: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (uploads.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

function parseIds(json: string): string[] {
  const events: unknown = JSON.parse(json);
  if (!Array.isArray(events)) throw new TypeError('an upload is an array');
  return events.map((event: { decision_id: unknown }) => String(event.decision_id));
}
