/** The sidecar program: SPIRE's server and agent, in the place of the development trust domain. */
import { runAsSidecar } from '../sidecar-process.ts';
import type { SpireEntry } from './entries.ts';
import { layOutSpire } from './layout.ts';
import { runSpireSidecar } from './sidecar.ts';

const {
  COUNTERSIGN_STATE_DIR = '',
  COUNTERSIGN_SPIRE_SERVER = '',
  COUNTERSIGN_SPIRE_AGENT = '',
  SPIRE_TRUST_DOMAIN = '',
  SPIRE_ENTRIES = '[]',
  SPIRE_ROOT = 'disk',
  LOG_LEVEL = '',
} = process.env;

await runAsSidecar('trust-domain', process, ({ signal, log }) =>
  runSpireSidecar({
    programs: { server: COUNTERSIGN_SPIRE_SERVER, agent: COUNTERSIGN_SPIRE_AGENT },
    layout: layOutSpire(COUNTERSIGN_STATE_DIR),
    trustDomain: SPIRE_TRUST_DOMAIN,
    root: SPIRE_ROOT === 'server' ? 'server' : 'disk',
    // Ours: the provider's own entries.
    entries: JSON.parse(SPIRE_ENTRIES) as SpireEntry[],
    debug: LOG_LEVEL === 'debug',
    log,
    signal,
  }),
);
