/** The HTTP receiver on real sockets: OpenTelemetry's exporters are served, everything else is told why not. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { encodeSpans, makeSpans, type SpanPlan } from '../test/real-exports.ts';
import { startOtlpGrpcReceiver } from './grpc-receiver.ts';
import { type OtlpHttpReceiver, startOtlpHttpReceiver } from './http-receiver.ts';
import type { RawExport } from './sink.ts';
import type { Span } from './values.ts';

const MAX_BYTES = 10_000;
const spans: Span[] = [];
const raw: RawExport[] = [];
const sink = {
  spans: (more: readonly Span[]) => void spans.push(...more),
  received: (each: RawExport) => void raw.push(each),
};
let receiver: OtlpHttpReceiver;

beforeEach(async () => {
  spans.length = 0;
  raw.length = 0;
  receiver = await startOtlpHttpReceiver({ host: '127.0.0.1', port: 0, sink, maxBytes: MAX_BYTES, maxConcurrent: 2 });
});

afterEach(() => receiver.close());

const plan: SpanPlan = {
  name: 'a span',
  kind: SpanKind.SERVER,
  start: [1_700_000_000, 5],
  end: [1_700_000_001, 6],
  failed: undefined,
  attributes: { answer: 42 },
  underRemote: true,
};

async function exportBy(exporter: SpanExporter): Promise<unknown> {
  const made = await makeSpans('a service', [plan]);
  const result = await new Promise((resolve) => exporter.export(made, resolve));
  await exporter.shutdown();
  return result;
}

const url = (path = '/v1/traces') => `http://127.0.0.1:${receiver.address.port}${path}`;

describe('the exporters of the SDK', () => {
  for (const [name, create, contentType, contentEncoding] of [
    ['protobuf', () => new ProtobufExporter({ url: url() }), 'application/x-protobuf', undefined],
    ['JSON', () => new JsonExporter({ url: url() }), 'application/json', undefined],
    [
      'protobuf, gzip',
      () => new ProtobufExporter({ url: url(), compression: CompressionAlgorithm.GZIP }),
      'application/x-protobuf',
      'gzip',
    ],
  ] as const)
    test(name, async () => {
      assert.deepEqual(await exportBy(create()), { code: 0 });
      assert.deepEqual(
        spans.map((span) => [span.name, span.kind, span.startNanos, span.attributes.get('answer')]),
        [['a span', 'server', 1_700_000_000_000_000_005n, 42]],
      );
      const [{ body, ...rest } = assert.fail()] = raw;
      assert.match(rest.userAgent ?? '', /^OTel-OTLP-Exporter/);
      assert.deepEqual([rest.signal, rest.contentType, rest.contentEncoding], ['traces', contentType, contentEncoding]);
      assert.ok(body.length > 100);
    });

  test('over gRPC', async () => {
    const server = await startOtlpGrpcReceiver({ address: '127.0.0.1:0', sink });
    assert.deepEqual(await exportBy(new GrpcExporter({ url: `http://127.0.0.1:${server.port}` })), { code: 0 });
    server.close();
    assert.deepEqual([spans[0]?.name, raw[0]?.signal], ['a span', 'traces']);
  });
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

async function post(body: Uint8Array, headers: Record<string, string> = {}, path?: string): Promise<Answer> {
  const response = await fetch(url(path), {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body: Uint8Array.from(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get('content-type'), headers: response.headers, bytes };
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const nameless = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'no IDs' }] }] }] };

describe('what is answered', () => {
  test('nothing, when everything was taken', async () => {
    const { protobuf } = encodeSpans(await makeSpans('s', [plan]));
    const { status, type, bytes } = await post(protobuf.bytes);
    assert.deepEqual([status, type, bytes.length], [200, 'application/x-protobuf', 0]);
  });

  test('in JSON to JSON', async () => {
    const { json } = encodeSpans(await makeSpans('s', [plan]));
    const { status, type, bytes } = await post(json.bytes, JSON_TYPE);
    assert.deepEqual([status, type, bytes.toString()], [200, 'application/json', '{}']);
  });

  test('how many spans were not taken', async () => {
    const { status, bytes } = await post(Buffer.from(JSON.stringify(nameless)), JSON_TYPE);
    assert.deepEqual(
      [status, JSON.parse(bytes.toString())],
      [200, { partialSuccess: { rejectedSpans: '1', errorMessage: 'a span needs a trace ID and a span ID' } }],
    );
  });

  test('the same in protobuf, as the SDK reads it', async () => {
    const { bytes } = await post(Buffer.from([0x0a, 0x04, 0x12, 0x02, 0x12, 0x00]));
    const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(bytes);
    assert.deepEqual(
      [Number(partialSuccess?.rejectedSpans), partialSuccess?.errorMessage],
      [1, 'a span needs a trace ID and a span ID'],
    );
  });
});

describe('what is refused', () => {
  const good = Buffer.from(JSON.stringify(nameless));
  const cases: ReadonlyArray<
    readonly [name: string, status: number, send: () => Promise<Answer>, message: RegExp, header?: [string, string]]
  > = [
    ['another path', 404, () => post(good, JSON_TYPE, '/v1/trace'), /paths are/],
    ['another type', 415, () => post(good, { 'content-type': 'text/plain' }), /content-type: must be/],
    [
      'another encoding',
      415,
      () => post(good, { 'content-encoding': 'br' }),
      /must be gzip/,
      ['accept-encoding', 'gzip'],
    ],
    ['no gzip', 400, () => post(good, { ...JSON_TYPE, 'content-encoding': 'gzip' }), /must be gzip/],
    ['no export', 400, () => post(Buffer.from('{'), JSON_TYPE), /must be JSON/],
    ['no protobuf', 400, () => post(Buffer.from([0x0a, 0xff])), /must be protobuf/],
    ['too large', 413, () => post(Buffer.alloc(MAX_BYTES + 1, 0x20), JSON_TYPE), /at most 10000 bytes/],
    [
      'small, and too large once decompressed',
      413,
      () => post(gzipSync(Buffer.alloc(5_000_000)), { 'content-encoding': 'gzip' }),
      /at most 10000 bytes/,
    ],
    ['a page of any origin', 403, () => post(good, { ...JSON_TYPE, origin: 'http://127.0.0.1' }), /browsers/],
    ['a page, by Fetch metadata', 403, () => post(good, { ...JSON_TYPE, 'sec-fetch-site': 'none' }), /browsers/],
  ];
  for (const [name, status, send, message, header] of cases)
    test(`${name}: ${status}`, async () => {
      const { bytes, headers, ...answer } = await send();
      assert.equal(answer.status, status);
      assert.match(bytes.toString(), message);
      if (header !== undefined) assert.equal(headers.get(header[0]), header[1]);
      assert.deepEqual([spans, raw], [[], []]);
    });

  test('another method: 405, and which it is', async () => {
    const response = await fetch(url());
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST']);
    assert.match(await response.text(), /the method is POST/);
  });

  test('too large without saying so beforehand: cut off as soon as it is known', async () => {
    const socket = connect(receiver.address.port, '127.0.0.1');
    socket.write(
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
    );
    // Never ended: the answer can't wait for the end.
    socket.write(`4e20\r\n${' '.repeat(20_000)}\r\n`);
    const [answer]: Buffer[] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  test('a third body while two are being read: 429, and when to come again; room again afterwards', async () => {
    const slow = [1, 2].map(() => {
      const outgoing = request(url(), { method: 'POST', headers: { ...JSON_TYPE, 'content-length': 2 } });
      outgoing.write('{');
      return outgoing;
    });
    await Promise.all(slow.map((outgoing) => once(outgoing, 'socket').then(() => untilSent(outgoing))));
    const busy = await untilStatus(429);
    assert.equal(busy.headers.get('retry-after'), '1');
    for (const outgoing of slow) {
      outgoing.end('}');
      const [response] = await once(outgoing, 'response');
      assert.equal(response.statusCode, 200);
      response.resume();
    }
    assert.equal((await post(good, JSON_TYPE)).status, 200);
  });

  /** Until both slow requests have arrived a third is still served. */
  async function untilStatus(status: number): Promise<Answer> {
    for (;;) {
      const answer = await post(good, JSON_TYPE);
      if (answer.status === status) return answer;
    }
  }

  function untilSent(outgoing: ReturnType<typeof request>): Promise<void> {
    return new Promise((resolve) => outgoing.write('', () => resolve()));
  }
});

test('a sink that throws is a bug: told to the program, and 500 to the exporter', async () => {
  const errors: unknown[] = [];
  const bug = new Error('a bug');
  const broken = await startOtlpHttpReceiver({
    host: '127.0.0.1',
    port: 0,
    sink: {
      spans: () => {
        throw bug;
      },
    },
    onError: (error) => void errors.push(error),
  });
  const response = await fetch(`http://127.0.0.1:${broken.address.port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  await broken.close();
  assert.deepEqual([response.status, errors], [500, [bug]]);
  assert.ok(!(await response.text()).includes('a bug'));
});
