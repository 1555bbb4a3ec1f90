import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { logs } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { createLogger } from './log.ts';
import { bridgeLine, startLogBridge } from './log-bridge.ts';

const IDS = { trace_id: '0123456789abcdef0123456789abcdef', span_id: '0123456789abcdef' };
const lines: string[] = [];
const logger = createLogger({ service: 'x', destination: { write: (line) => void lines.push(line) } });
let exporter: InMemoryLogRecordExporter;
let provider: LoggerProvider;
let stop: () => void;

beforeEach(() => {
  lines.length = 0;
  exporter = new InMemoryLogRecordExporter();
  provider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] });
  logs.setGlobalLoggerProvider(provider);
  stop = startLogBridge();
});

afterEach(async () => {
  stop();
  await provider.shutdown();
  logs.disable();
});

test('a line is a record with its severity, event, time, trace context and fields', () => {
  logger.warn({ event: 'refused', ...IDS, code: 'SVID_EXPIRED', remote: { port: 7 }, message: 'no' });
  const [record] = exporter.getFinishedLogRecords();
  const { eventName, severityText, body, attributes, spanContext } = record ?? {};
  assert.deepEqual(
    { eventName, severityText, body, trace: spanContext?.traceId, span: spanContext?.spanId, attributes },
    {
      eventName: 'refused',
      severityText: 'warn',
      body: 'no',
      trace: IDS.trace_id,
      span: IDS.span_id,
      attributes: { event: 'refused', code: 'SVID_EXPIRED', remote: { port: 7 } },
    },
  );
  assert.equal(lines.length, 1, 'and it is still a line');
});

test('what the line censors does not reach the record either', () => {
  logger.info({
    event: 'x',
    privateKey: 'hidden-1',
    request: { authorization: 'hidden-2' },
    query: { values: ['hidden-3'] },
  });
  const text = JSON.stringify(exporter.getFinishedLogRecords().map(({ attributes, body }) => ({ attributes, body })));
  assert.match(text, /"privateKey":"\[redacted\]"/);
  assert.doesNotMatch(text, /hidden/);
});

test('a line that the level keeps back is not sent', () => {
  logger.debug({ event: 'x' });
  assert.deepEqual(exporter.getFinishedLogRecords(), []);
});

for (const event of ['decision', 'telemetry']) {
  test(`a line of the event "${event}" stays a line`, () => {
    logger.info({ event });
    assert.deepEqual([exporter.getFinishedLogRecords().length, lines.length], [0, 1]);
  });
}

test('IDs that are none give no trace context', () => {
  logger.info({ event: 'x', trace_id: '0'.repeat(32), span_id: 'zz' });
  assert.equal(exporter.getFinishedLogRecords()[0]?.spanContext, undefined);
});

test('text that is no JSON is left alone, and so is everything after the stop', () => {
  bridgeLine('plain text');
  stop();
  logger.info({ event: 'x' });
  assert.deepEqual([exporter.getFinishedLogRecords().length, lines.length], [0, 1]);
});
