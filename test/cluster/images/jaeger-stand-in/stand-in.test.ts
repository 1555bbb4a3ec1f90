/** The stand-in against the exporter that the Collector's clients use: what is exported over gRPC is what the query API shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Client, credentials, status } from '@grpc/grpc-js';
import { startStandIn } from './stand-in.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const ROOT = 'b7ad6b7169203331';
const CHILD = '00f067aa0ba902b7';

const bytes = (field: number, value: Uint8Array) => new BinaryWriter().tag(field, 2).bytes(value).finish();
const text = (field: number, value: string) => bytes(field, Buffer.from(value));
const message = (field: number, ...parts: Uint8Array[]) => bytes(field, Buffer.concat(parts));
const fixed64 = (field: number, value: bigint) => new BinaryWriter().tag(field, 1).fixed64(value).finish();
const varint = (field: number, value: number) => new BinaryWriter().tag(field, 0).uint32(value).finish();
const attribute = (field: number, key: string, value: Uint8Array) => message(field, text(1, key), message(2, value));

function span(id: string, parent: string, name: string, ...attributes: Uint8Array[]): Uint8Array {
  const ids = [
    bytes(1, Buffer.from(TRACE, 'hex')),
    bytes(2, Buffer.from(id, 'hex')),
    bytes(4, Buffer.from(parent, 'hex')),
  ];
  const times = [fixed64(7, 1_700_000_000_000_001_000n), fixed64(8, 1_700_000_000_000_251_000n)];
  return message(2, ...ids, text(5, name), varint(6, 3), ...times, ...attributes);
}

function exportOf(service: string, ...spans: Uint8Array[]): Buffer {
  const resource = message(1, attribute(1, 'service.name', text(1, service)));
  return Buffer.from(message(1, resource, message(2, ...spans)));
}

function exportTo(port: number, request: Buffer): Promise<void> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (buffer: Buffer) => buffer;
  return new Promise<void>((resolve, reject) => {
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    client.makeUnaryRequest(path, same, same, request, (error) => (error === null ? resolve() : reject(error)));
  }).finally(() => client.close());
}

async function ask(address: unknown, path: string): Promise<{ status: number; body: unknown }> {
  if (typeof address !== 'object' || address === null || !('port' in address)) throw new TypeError('no address');
  const response = await fetch(`http://127.0.0.1:${address.port}${path}`, { headers: { connection: 'close' } });
  return { status: response.status, body: await response.json() };
}

test('exported spans are found by their trace, with services, parents, times and attributes', async (context) => {
  const standIn = await startStandIn({ otlp: '127.0.0.1:0', query: { host: '127.0.0.1', port: 0 } });
  context.after(() => standIn.close());
  const peer = attribute(9, 'spiffe.peer.id', text(1, 'spiffe://example.org/backend'));
  const list = attribute(9, 'list', message(5, message(1, text(1, 'a')), message(1, varint(3, 7))));
  await exportTo(standIn.otlpPort, exportOf('customer', span(ROOT, '', 'GET /', peer, list)));
  await exportTo(standIn.otlpPort, exportOf('backend', span(CHILD, ROOT, 'query', attribute(9, 'ok', varint(2, 1)))));

  const { status: found, body } = await ask(standIn.query.address(), `/api/traces/${TRACE}`);
  assert.equal(found, 200);
  const common = { traceID: TRACE, startTime: 1_700_000_000_000_001, duration: 250 };
  const tags = (pairs: Record<string, string>) =>
    Object.entries(pairs).map(([key, value]) => ({ key, type: 'string', value }));
  assert.deepEqual(body, {
    data: [
      {
        traceID: TRACE,
        spans: [
          {
            ...common,
            spanID: ROOT,
            operationName: 'GET /',
            references: [],
            tags: tags({ 'span.kind': 'client', 'spiffe.peer.id': 'spiffe://example.org/backend', list: 'a,7' }),
            processID: 'p2',
          },
          {
            ...common,
            spanID: CHILD,
            operationName: 'query',
            references: [{ refType: 'CHILD_OF', traceID: TRACE, spanID: ROOT }],
            tags: tags({ 'span.kind': 'client', ok: 'true' }),
            processID: 'p1',
          },
        ],
        processes: { p1: { serviceName: 'backend', tags: [] }, p2: { serviceName: 'customer', tags: [] } },
      },
    ],
  });
  assert.deepEqual((await ask(standIn.query.address(), '/api/services')).body, { data: ['backend', 'customer'] });
});

test('an unknown trace is not found, and what is no export is refused', async (context) => {
  const standIn = await startStandIn({ otlp: '127.0.0.1:0', query: { host: '127.0.0.1', port: 0 } });
  context.after(() => standIn.close());
  assert.equal((await ask(standIn.query.address(), `/api/traces/${TRACE}`)).status, 404);
  await assert.rejects(exportTo(standIn.otlpPort, Buffer.from([0x0a, 0xff])), { code: status.INVALID_ARGUMENT });
});
