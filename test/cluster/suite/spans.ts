/** Spans as Jaeger's query API gives them. */
import { call } from '../../integration/json-client.ts';

/** A span. */
export interface StoredSpan {
  readonly service: string;
  readonly operation: string;
  readonly tags: ReadonlyMap<string, string>;
}

interface Trace {
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
  readonly spans: ReadonlyArray<{
    readonly operationName: string;
    readonly processID: string;
    readonly tags: ReadonlyArray<{ readonly key: string; readonly value: unknown }>;
  }>;
}

/** Those of one trace. Rejects while Jaeger has none. */
export async function readSpans(jaegerUrl: string, traceId: string): Promise<readonly StoredSpan[]> {
  const { status, text } = await call(`${jaegerUrl}/api/traces/${traceId}`);
  if (status !== 200) throw new Error(`Jaeger has no trace ${traceId}: ${status} ${text}`);
  const { data }: { data: readonly Trace[] } = JSON.parse(text);
  return data.flatMap(({ processes, spans }) =>
    spans.map(({ operationName, processID, tags }) => ({
      service: processes[processID]?.serviceName ?? '',
      operation: operationName,
      tags: new Map(tags.map(({ key, value }) => [key, String(value)])),
    })),
  );
}
