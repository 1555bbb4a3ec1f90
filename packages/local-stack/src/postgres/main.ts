/** The sidecar program: PostgreSQL under its own identity. */
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { runAsSidecar } from '../sidecar-process.ts';
import { runPostgresSidecar } from './sidecar.ts';

const {
  SPIFFE_ENDPOINT_SOCKET = '',
  COUNTERSIGN_STATE_DIR = '',
  POSTGRES_PORT = '0',
  POSTGRES_OWNER = '',
} = process.env;

await runAsSidecar('postgres', process, async ({ signal, log }) => {
  const openSource = async () => {
    const source = createWorkloadApiX509Source({ endpoint: SPIFFE_ENDPOINT_SOCKET, signal });
    await source.ready();
    return source;
  };
  try {
    const port = Number(POSTGRES_PORT);
    await runPostgresSidecar({
      stateRoot: COUNTERSIGN_STATE_DIR,
      port,
      ownerRole: POSTGRES_OWNER,
      openSource,
      log,
      signal,
    });
  } catch (error) {
    // A start that was called off fails somewhere, and that is no news.
    if (!signal.aborted) throw error;
  }
});
