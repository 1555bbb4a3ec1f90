/** Brings the schema up to date: the files in `migrations/`, each once, all of them or none. */
import { fileURLToPath } from 'node:url';
import type { Logger } from '@countersign/telemetry';
import { runner } from 'node-pg-migrate';
import type { Database } from './database.ts';

/** Runs what has not been run. Two at once wait for each other. Resolves with the names of what was run. */
export async function migrate(database: Pick<Database, 'connect'>, logger: Logger): Promise<string[]> {
  const client = await database.connect();
  try {
    const done = await runner({
      dbClient: client,
      dir: fileURLToPath(new URL('./migrations', import.meta.url)),
      direction: 'up',
      migrationsTable: 'schema_migrations',
      advisoryLockMode: 'wait',
      logger: quiet(logger),
    });
    return done.map(({ name }) => name);
  } finally {
    client.release(true);
  }
}

/** The runner prints every statement; our lines say which files were run. */
function quiet(logger: Logger) {
  const debug = (message: string) => logger.debug({ event: 'migration', message: message.slice(0, 300) });
  const warn = (message: string) => logger.warn({ event: 'migration', message: message.slice(0, 300) });
  return { debug, info: debug, warn, error: warn };
}
