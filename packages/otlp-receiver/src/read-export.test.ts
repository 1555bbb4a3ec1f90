/** What is refused, and what is left out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { type EncodedExport, readLogs, readMetrics, readSpans } from './read-export.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

const json = (document: unknown): EncodedExport => ({
  encoding: 'json',
  bytes: Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)),
});
const spans = (...all: readonly object[]) => json({ resourceSpans: [{ scopeSpans: [{ spans: all }] }] });
const record = (fields: object) => json({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields] }] }] });
const bytes = (field: number, ...parts: readonly Uint8Array[]) =>
  new BinaryWriter().tag(field, 2).bytes(Buffer.concat(parts)).finish();
const protobuf = (...parts: readonly Uint8Array[]): EncodedExport => ({
  encoding: 'protobuf',
  bytes: Buffer.concat(parts),
});

/** An `AnyValue` of lists in lists. */
function nested(depth: number): object {
  return depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nested(depth - 1)] } };
}

function nestedBytes(depth: number): Uint8Array {
  return depth === 0 ? bytes(1, Buffer.from('x')) : bytes(5, bytes(1, nestedBytes(depth - 1)));
}

describe('JSON that is no export', () => {
  const cases: ReadonlyArray<readonly [name: string, read: () => unknown, message: RegExp]> = [
    ['no JSON', () => readSpans(json('{')), /export: must be JSON/],
    ['a list', () => readSpans(json([])), /export: must be an object, got \[\]/],
    ['null', () => readSpans(json('null')), /export: must be an object, got null/],
    ['an object where a list belongs', () => readSpans(json({ resourceSpans: {} })), /resourceSpans: must be a list/],
    [
      'an ID in base64',
      () => readSpans(spans({ traceId: 'CvdlGRbNQ92ESOshHIAxnA==' })),
      /traceId: must be an ID in hex/,
    ],
    ['an ID as a number', () => readSpans(spans({ traceId: 1 })), /traceId: must be text, got 1/],
    ['a kind by its name', () => readSpans(spans({ kind: 'SPAN_KIND_SERVER' })), /kind: must be the number of an enum/],
    ['a time that is no whole number', () => readSpans(spans({ startTimeUnixNano: '1.5' })), /whole number, got "1.5"/],
    ['a flag that is text', () => readLogs(record({ body: { boolValue: 'yes' } })), /body: must be true or false/],
    ['a value that is no value', () => readLogs(record({ body: 'text' })), /body: must be an object, got "text"/],
    ['a number that is none', () => readLogs(record({ body: { doubleValue: '0x10' } })), /body: must be a number/],
    ['a long text is cut in the message', () => readSpans(json({ resourceSpans: 'x'.repeat(999) })), /got "x{59}$/],
  ];
  for (const [name, read, message] of cases)
    test(name, () => assert.throws(read, { name: 'OtlpError', code: 'EXPORT_MALFORMED', message }));
});

describe('bytes that are no export', () => {
  const attribute = bytes(6, bytes(1, Buffer.from('k')), bytes(2, bytes(1, Buffer.from('v'))));
  const logs = (...fields: readonly Uint8Array[]) => protobuf(bytes(1, bytes(2, bytes(2, ...fields))));
  test('read as long as they are whole', () => assert.equal(readLogs(logs(attribute))[0]?.attributes.get('k'), 'v'));

  const cases: ReadonlyArray<readonly [name: string, source: EncodedExport]> = [
    ['a length beyond the end', protobuf(Uint8Array.of(0x0a, 0x05, 0x00))],
    ['a message that is cut off', { encoding: 'protobuf', bytes: logs(attribute).bytes.subarray(0, -1) }],
    ['a field that reaches out of its message', protobuf(Uint8Array.of(0x0a, 0x02, 0x12, 0x03), Buffer.alloc(3))],
    ['field number 0', protobuf(Uint8Array.of(0x02, 0x00))],
    ['a group without end', protobuf(Uint8Array.of(0x0b))],
    ['groups a thousand deep', protobuf(Buffer.alloc(1_000, 0x0b))],
  ];
  for (const [name, source] of cases)
    test(name, () => assert.throws(() => readLogs(source), { name: 'OtlpError', code: 'EXPORT_MALFORMED' }));

  test('a known field in a wire type that is not its own is skipped, and so is an unknown one', () => {
    const wrong = new BinaryWriter().tag(12, 0).uint32(7).tag(99, 2).string('x').finish();
    assert.deepEqual(
      readLogs(logs(wrong, bytes(12, Buffer.from('event')))).map(({ eventName }) => eventName),
      ['event'],
    );
  });
});

describe('bounds', () => {
  const limits = { maxDepth: 3, maxValues: 40 };
  for (const [depth, reads] of [
    [2, true],
    [3, false],
  ] as const)
    test(`lists ${depth} deep, in both encodings`, () => {
      const sources = [
        record({ body: nested(depth) }),
        protobuf(bytes(1, bytes(2, bytes(2, bytes(5, nestedBytes(depth)))))),
      ];
      for (const source of sources) {
        const read = () => readLogs({ ...source, limits });
        if (reads) assert.equal(read().length, 1);
        else assert.throws(read, { code: 'EXPORT_TOO_DEEP' });
      }
    });

  test('by default a thousand levels are too many, and are no stack overflow', () => {
    assert.throws(() => readLogs(record({ body: nested(1_000) })), { code: 'EXPORT_TOO_DEEP' });
    const deep = protobuf(bytes(1, bytes(2, bytes(2, bytes(5, nestedBytes(1_000))))));
    assert.throws(() => readLogs(deep), { code: 'EXPORT_TOO_DEEP' });
  });

  test('values are counted over the whole export', () => {
    const attributes = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: { intValue: '1' } }));
    assert.equal(readLogs({ ...record({ attributes: attributes(36) }), limits }).length, 1);
    assert.throws(() => readLogs({ ...record({ attributes: attributes(37) }), limits }), {
      code: 'EXPORT_TOO_MANY_VALUES',
    });
  });

  test('empty messages cost something, too', () => {
    const many = protobuf(...Array.from({ length: 41 }, () => bytes(1)));
    assert.throws(() => readMetrics({ ...many, limits }), { code: 'EXPORT_TOO_MANY_VALUES' });
  });
});

test('a span without proper IDs is left out, and its neighbours are not', () => {
  const good = { traceId: TRACE, spanId: SPAN, name: 'good' };
  const { spans: read, rejected } = readSpans(
    spans(
      good,
      { spanId: SPAN },
      { traceId: TRACE, spanId: '0'.repeat(16) },
      { traceId: TRACE.slice(2), spanId: SPAN },
    ),
  );
  assert.deepEqual([read.map(({ name }) => name), rejected], [['good'], 3]);
});

test('what a key is called changes nothing but the key', () => {
  const values = [{ key: '__proto__', value: { stringValue: 'x' } }, { key: 'constructor' }];
  const [read] = readLogs(record({ body: { kvlistValue: { values } }, attributes: values }));
  assert.deepEqual(Object.entries(read?.body ?? {}), [
    ['__proto__', 'x'],
    ['constructor', null],
  ]);
  assert.equal(read?.attributes.get('__proto__'), 'x');
  assert.equal(Object.getPrototypeOf(read?.body), Object.prototype);
});

test('a whole number that no number holds exactly keeps its digits', () => {
  const [read] = readLogs(record({ body: { intValue: '9007199254740993' } }));
  assert.equal(read?.body, '9007199254740993');
});

test('a record without a time of its own has the one at which it was noticed', () => {
  const [read] = readLogs(record({ observedTimeUnixNano: '7' }));
  assert.equal(read?.timeNanos, 7n);
});
