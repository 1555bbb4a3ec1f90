/**
 * The sidecar program: PostgreSQL under its own identity. Started by the launcher; ends with it, by a signal or because
 * the channel between them closes.
 */
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { LocalStackError, messageOf } from '../errors.ts';
import { writeRecord } from '../record.ts';
import { runPostgresSidecar } from './sidecar.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
process.on('disconnect', () => stop.abort());
// A killed launcher closes our stdout with the channel: a line that nobody reads must not keep PostgreSQL from being stopped.
process.stdout.on('error', () => stop.abort());

const {
  SPIFFE_ENDPOINT_SOCKET = '',
  COUNTERSIGN_STATE_DIR = '',
  POSTGRES_PORT = '0',
  POSTGRES_OWNER = '',
} = process.env;
const log = (record: Record<string, unknown>) => writeRecord('postgres', record);

async function openSource() {
  const source = createWorkloadApiX509Source({ endpoint: SPIFFE_ENDPOINT_SOCKET, signal: stop.signal });
  await source.ready();
  return source;
}

try {
  await runPostgresSidecar({
    stateRoot: COUNTERSIGN_STATE_DIR,
    port: Number(POSTGRES_PORT),
    ownerRole: POSTGRES_OWNER,
    openSource,
    log,
    signal: stop.signal,
  });
  log({ event: 'stopped' });
} catch (error) {
  if (!stop.signal.aborted) {
    log({
      event: 'failed',
      level: 'fatal',
      ...(error instanceof LocalStackError ? { code: error.code } : {}),
      message: messageOf(error),
    });
    process.exitCode = 1;
  }
}
// The channel to the launcher would keep this process alive.
if (process.connected) process.disconnect();
