/** One request to a Collector. */
import type { RawExport } from '@countersign/otlp-receiver';

/** What became of it. `away`: nobody answered. */
export type Answer = { readonly taken: true } | { readonly taken: false; readonly away: boolean; readonly why: string };

export interface PostOptions {
  readonly endpoint: URL;
  readonly headers: ReadonlyMap<string, string>;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Makes the function that sends one export. It never rejects. */
export function createPost(options: PostOptions): (raw: RawExport) => Promise<Answer> {
  const { endpoint, headers, userAgent, timeoutMs, signal } = options;
  const base = endpoint.href.replace(/\/$/, '');
  return async ({ signal: name, body, contentType, contentEncoding }) => {
    try {
      const response = await fetch(`${base}/v1/${name}`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: {
          ...Object.fromEntries(headers),
          'content-type': contentType,
          'user-agent': userAgent,
          ...(contentEncoding !== undefined && { 'content-encoding': contentEncoding }),
        },
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      await response.body?.cancel();
      return response.ok ? { taken: true } : { taken: false, away: false, why: `HTTP ${response.status}` };
    } catch (error) {
      return { taken: false, away: true, why: reasonOf(error) };
    }
  };
}

/** `fetch` says why in the cause. Neither has a header in it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return 'no answer';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
}
