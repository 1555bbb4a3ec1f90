/**
 * The frame of a sidecar program. Started by the launcher; ends with it, by a signal or because the channel between them
 * closes.
 */
import { LocalStackError, messageOf } from './errors.ts';
import { writeRecord } from './record.ts';

/** What a sidecar is given. */
export interface SidecarContext {
  /** Aborted when it should end. */
  readonly signal: AbortSignal;
  /** Writes a record under the sidecar's name. */
  log(record: Record<string, unknown>): void;
}

/** Runs a sidecar to its end; one that fails says why and ends with exit code 1. */
export async function runAsSidecar(
  name: string,
  host: NodeJS.Process,
  run: (context: SidecarContext) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) host.on(signal, () => stop.abort());
  host.on('disconnect', () => stop.abort());
  // A killed launcher closes our stdout with the channel: a line that nobody reads must not keep us from stopping in order.
  host.stdout.on('error', () => stop.abort());
  const log = (record: Record<string, unknown>) => writeRecord(name, record);
  try {
    await run({ signal: stop.signal, log });
    log({ event: 'stopped' });
  } catch (error) {
    const code = error instanceof LocalStackError ? { code: error.code } : {};
    log({ event: 'failed', level: 'fatal', ...code, message: messageOf(error) });
    host.exitCode = 1;
  }
  // The channel to the launcher would keep this process alive.
  if (host.connected) host.disconnect();
}
