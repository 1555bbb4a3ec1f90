/**
 * Turns what spiffe-tls says on its diagnostics channels into log lines. The channels are known by name alone: the
 * security core has no telemetry in its tree, and telemetry has no security core in its own.
 */
import diagnosticsChannel from 'node:diagnostics_channel';
import type { Logger } from './log.ts';

/** Adds to the record of a refusal what the security core does not know of it, such as the remedy. */
export type ExplainRefusal = (record: Readonly<Record<string, unknown>>) => object;

/**
 * Starts logging refusals (`warn`), changes of the identity source (`info`) and verified connections (`debug`). Returns how to
 * stop.
 * @param explain gives further fields of a refusal's line; by default there are none
 */
export function adaptSpiffeTlsEvents(logger: Logger, explain: ExplainRefusal = () => ({})): () => void {
  const listeners = [
    [
      'spiffe-tls:refused',
      (record: unknown) => logger.warn({ event: 'refused', ...plain(record), ...explain(plain(record)) }),
    ],
    ['spiffe-tls:source', (record: unknown) => logIdentity(logger, plain(record))],
    ['spiffe-tls:verified', (record: unknown) => logVerified(logger, record)],
  ] as const;
  for (const [name, listener] of listeners) diagnosticsChannel.subscribe(name, listener);
  return () => {
    for (const [name, listener] of listeners) diagnosticsChannel.unsubscribe(name, listener);
  };
}

function logIdentity(logger: Logger, record: Record<string, unknown>): void {
  logger[record['type'] === 'update' ? 'info' : 'warn']({ event: 'identity', ...record });
}

/** A connection's peer holds whole certificates; a line shows its ID and serial. */
function logVerified(logger: Logger, record: unknown): void {
  if (!logger.isLevelEnabled('debug')) return;
  const { peer, selfSerial, ...rest } = plain(record);
  const { id, serialNumber } = plain(peer);
  logger.debug({
    event: 'verified',
    ...rest,
    peer: hasText(id) ? id.toString() : undefined,
    self_serial: selfSerial,
    peer_serial: serialNumber,
  });
}

/** A SPIFFE ID is an object that writes itself. */
function hasText(value: unknown): value is { toString(): string } {
  return typeof value === 'object' && value !== null;
}

function plain(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
