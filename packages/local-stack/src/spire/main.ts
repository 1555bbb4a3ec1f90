/**
 * The sidecar program: SPIRE's server and agent. Started by the launcher in the place of the development trust domain; ends
 * with it, by a signal or because the channel between them closes.
 */
import { LocalStackError, messageOf } from '../errors.ts';
import { writeRecord } from '../record.ts';
import { layOutSpire } from './layout.ts';
import { runSpireSidecar } from './sidecar.ts';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
process.on('disconnect', () => stop.abort());
// A killed launcher closes our stdout with the channel: a line that nobody reads must not keep SPIRE from being stopped.
process.stdout.on('error', () => stop.abort());

const {
  COUNTERSIGN_STATE_DIR = '',
  COUNTERSIGN_SPIRE_SERVER = '',
  COUNTERSIGN_SPIRE_AGENT = '',
  SPIRE_TRUST_DOMAIN = '',
  SPIRE_ENTRIES = '',
  SPIRE_ROOT = 'disk',
} = process.env;
const log = (record: Record<string, unknown>) => writeRecord('trust-domain', record);

try {
  await runSpireSidecar({
    programs: { server: COUNTERSIGN_SPIRE_SERVER, agent: COUNTERSIGN_SPIRE_AGENT },
    layout: layOutSpire(COUNTERSIGN_STATE_DIR),
    trustDomain: SPIRE_TRUST_DOMAIN,
    root: SPIRE_ROOT === 'server' ? 'server' : 'disk',
    entries: SPIRE_ENTRIES,
    log,
    signal: stop.signal,
  });
  log({ event: 'stopped' });
} catch (error) {
  log({
    event: 'failed',
    level: 'fatal',
    ...(error instanceof LocalStackError ? { code: error.code } : {}),
    message: messageOf(error),
  });
  process.exitCode = 1;
}
// The channel to the launcher would keep this process alive.
if (process.connected) process.disconnect();
