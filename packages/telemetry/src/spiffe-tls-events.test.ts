import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { test } from 'node:test';
import { createLogger } from './log.ts';
import { adaptSpiffeTlsEvents } from './spiffe-tls-events.ts';

/** The lines that a logger writes for what is published on a channel. */
function linesFor(level: string, channel: string, message: unknown): Array<Record<string, unknown>> {
  const lines: Array<Record<string, unknown>> = [];
  const logger = createLogger({ service: 'x', level, destination: { write: (text) => lines.push(JSON.parse(text)) } });
  const stop = adaptSpiffeTlsEvents(logger);
  diagnosticsChannel.channel(channel).publish(message);
  stop();
  diagnosticsChannel.channel(channel).publish(message);
  return lines;
}

const refusal = { code: 'PEER_NOT_AUTHORIZED', expected: 'a', got: 'b', remote: { address: '127.0.0.1', port: 7 } };
const peer = { id: new URL('spiffe://example.org/x'), serialNumber: '0B', path: ['a whole certificate'] };

test('a refusal is one warning with all that its record says, until it is stopped', () => {
  const [line, ...more] = linesFor('info', 'spiffe-tls:refused', refusal);
  const { event, level, code, expected, got, remote } = line ?? {};
  assert.deepEqual({ event, level, code, expected, got, remote }, { event: 'refused', level: 'warn', ...refusal });
  assert.deepEqual(more, []);
});

test('a verified connection shows ID and serial, not certificates, and only to who asked for detail', () => {
  const record = { role: 'server', transport: 'grpc', peer };
  assert.deepEqual(linesFor('info', 'spiffe-tls:verified', record), []);
  const [line] = linesFor('debug', 'spiffe-tls:verified', record);
  assert.deepEqual([line?.['peer'], line?.['peer_serial'], line?.['role']], ['spiffe://example.org/x', '0B', 'server']);
  assert.ok(!JSON.stringify(line).includes('certificate'));
});

test('a new identity is information, a withdrawn one a warning', () => {
  const levels = ['update', 'withdrawn', 'error'].map(
    (type) => linesFor('info', 'spiffe-tls:source', { type })[0]?.['level'],
  );
  assert.deepEqual(levels, ['info', 'warn', 'warn']);
});

test('names of secrets are censored wherever they stand in a line', () => {
  const lines: string[] = [];
  const logger = createLogger({ service: 'x', destination: { write: (text) => lines.push(text) } });
  logger.info({ privateKey: 'hidden-1', request: { authorization: 'hidden-2' }, query: { values: ['hidden-3'] } });
  assert.match(lines.join(''), /"privateKey":"\[redacted\]"/);
  assert.doesNotMatch(lines.join(''), /hidden/);
});
