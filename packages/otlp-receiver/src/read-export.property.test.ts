/** Whatever OpenTelemetry's own exporters write is read as it was meant, and the same from both encodings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearBytes, nearText, propertyRuns } from '@countersign/testkit';
import type { AnyValue, HrTime } from '@opentelemetry/api';
import fc from 'fast-check';
import {
  encodeMetrics,
  encodeRecords,
  encodeSpans,
  makeSpans,
  REMOTE,
  type RecordPlan,
  type SpanPlan,
} from '../test/real-exports.ts';
import { OtlpError } from './errors.ts';
import { readLogs, readMetrics, readSpans } from './read-export.ts';
import type { PlainValue } from './values.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 20 });
const key = text.filter((name) => name !== '');
const time: fc.Arbitrary<HrTime> = fc.tuple(
  fc.integer({ min: 1, max: 4_000_000_000 }),
  fc.integer({ min: 0, max: 999_999_999 }),
);
// The SDK writes -0 as 0 in JSON, and a whole number too large to be exact as one that is.
const [min, max] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, min, max })).map((value) => value + 0);
const scalar = fc.oneof(text, fc.boolean(), number);
const spanPlan: fc.Arbitrary<SpanPlan> = fc
  .record({
    name: text,
    kind: fc.constantFrom(0, 1, 2, 3, 4),
    start: time,
    length: fc.integer({ min: 0, max: 1_000 }),
    failed: fc.option(text, { nil: undefined }),
    attributes: fc.dictionary(key, fc.oneof(scalar, fc.array(text, { maxLength: 4 })), {
      maxKeys: 5,
      noNullPrototype: true,
    }),
    underRemote: fc.boolean(),
  })
  .map(({ length, ...plan }) => ({ ...plan, end: [plan.start[0] + length, plan.start[1]] }));

const KINDS = ['internal', 'server', 'client', 'producer', 'consumer'];
const nanos = ([seconds, rest]: HrTime) => BigInt(seconds) * 1_000_000_000n + BigInt(rest);

test('spans', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(spanPlan, { minLength: 1, maxLength: 4 }), async (plans) => {
      const made = await makeSpans('a service', plans);
      const encoded = encodeSpans(made);
      const { spans, rejected } = readSpans(encoded.protobuf);
      assert.deepEqual(readSpans(encoded.json), { spans, rejected });
      assert.equal(rejected, 0);
      assert.deepEqual(
        spans.map(({ resource, attributes, ...span }) => ({
          ...span,
          service: resource.get('service.name'),
          attributes: Object.fromEntries(attributes),
        })),
        made.map((span, index) => {
          const { name, kind, start, end, failed, attributes, underRemote } = plans[index] ?? assert.fail();
          return {
            traceId: span.spanContext().traceId,
            spanId: span.spanContext().spanId,
            ...(underRemote && { parentSpanId: REMOTE.spanId }),
            ...{ name, kind: KINDS[kind], startNanos: nanos(start), endNanos: nanos(end) },
            status: failed === undefined ? 'unset' : 'error',
            statusMessage: failed ?? '',
            service: 'a service',
            attributes,
          };
        }),
      );
    }),
    propertyRuns(100),
  );
});

const body: fc.Arbitrary<AnyValue> = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.constant(null),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;
const recordPlan: fc.Arbitrary<RecordPlan> = fc.record({
  eventName: key,
  timestamp: time,
  severityNumber: fc.integer({ min: 0, max: 24 }),
  body,
  attributes: fc.dictionary(key, body, { maxKeys: 3, noNullPrototype: true }),
});

/** As it is read: bytes are base64, and what is absent is null. */
function plain(value: AnyValue): PlainValue {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'object' || value === null) return null;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

test('log records, with bodies of any shape', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(recordPlan, { minLength: 1, maxLength: 4 }), async (plans) => {
      const encoded = await encodeRecords('a service', plans);
      const records = readLogs(encoded.protobuf);
      assert.deepEqual(readLogs(encoded.json), records);
      assert.deepEqual(
        records.map(({ attributes, severityText: _text, resource: _resource, ...record }) => ({
          ...record,
          attributes: Object.fromEntries(attributes),
        })),
        plans.map(({ timestamp, attributes, ...plan }) => ({
          ...plan,
          ...REMOTE,
          timeNanos: nanos(timestamp),
          body: plain(plan.body),
          attributes: plain(attributes),
        })),
      );
    }),
    propertyRuns(100),
  );
});

test('numbers of gauges and sums; points of histograms are counted', async () => {
  await fc.assert(
    fc.asyncProperty(number, fc.nat(), async (value, count) => {
      const encoded = await encodeMetrics('a service', value, count);
      const { points, skipped } = readMetrics(encoded.protobuf);
      assert.deepEqual(readMetrics(encoded.json), { points, skipped });
      assert.equal(skipped, 2);
      assert.deepEqual(
        points.map(({ name, unit, kind, value: read, attributes }) => [
          name,
          unit,
          kind,
          read,
          attributes.get('label'),
        ]),
        [
          ['a.gauge', 's', 'gauge', value, 'x'],
          ['a.counter', '', 'sum', count, undefined],
        ],
      );
    }),
    propertyRuns(50),
  );
});

/** Reads it, or refuses it by its own error; anything else is a bug. */
function readsOrRefuses(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof OtlpError, String(error));
  }
}

const plans: readonly RecordPlan[] = [
  {
    eventName: 'a',
    timestamp: [1, 2],
    severityNumber: 9,
    body: { a: [1, { b: 'c' }] },
    attributes: { x: 1, y: [2.5] },
  },
];

test('bytes near an export are read or refused, whatever is broken', async () => {
  const logs = await encodeRecords('s', plans);
  const metrics = await encodeMetrics('s', 1.5, 2);
  const near = nearBytes(logs.protobuf.bytes, metrics.protobuf.bytes);
  fc.assert(
    fc.property(near, (bytes) => {
      for (const read of [readSpans, readLogs, readMetrics])
        readsOrRefuses(() => read({ encoding: 'protobuf', bytes }));
    }),
    propertyRuns(2_000),
  );
});

test('and so is text', async () => {
  const encoded = [await encodeRecords('s', plans), await encodeMetrics('s', 1.5, 2)] as const;
  const [logs, metrics] = encoded.map(({ json }) => Buffer.from(json.bytes).toString());
  const near = nearText('{}[]":,0e-a', logs ?? '', metrics ?? '');
  fc.assert(
    fc.property(near, (json) => {
      for (const read of [readSpans, readLogs, readMetrics])
        readsOrRefuses(() => read({ encoding: 'json', bytes: Buffer.from(json) }));
    }),
    propertyRuns(2_000),
  );
});

test('bytes and JSON of any kind are read or refused', () => {
  const exports = fc.record({
    resourceLogs: fc.jsonValue(),
    resourceSpans: fc.jsonValue(),
    resourceMetrics: fc.jsonValue(),
  });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), exports, (bytes, json) => {
      for (const read of [readSpans, readLogs, readMetrics]) {
        readsOrRefuses(() => read({ encoding: 'protobuf', bytes }));
        readsOrRefuses(() => read({ encoding: 'json', bytes: Buffer.from(JSON.stringify(json)) }));
      }
    }),
    propertyRuns(1_000),
  );
});
