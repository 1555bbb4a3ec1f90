/** The one-off program around the migrations: configuration, identity, log, exit code. */

import { explainRefusedConnection } from '@countersign/refusals';
import { ConfigError, type ConfigInput, loadConfig, openIdentitySource } from '@countersign/service-kit';
import { adaptSpiffeTlsEvents, createLogger } from '@countersign/telemetry';
import { openDatabase } from './database.ts';
import { migrate } from './migrations.ts';
import { migrateSettings } from './settings.ts';

const NAME = 'db-migrate';

/** Resolves with the process's exit code. */
export async function runMigrations(input: ConfigInput): Promise<number> {
  try {
    const config = loadConfig(migrateSettings, input);
    const logger = createLogger({ service: NAME, level: config.logLevel });
    const stopLogging = adaptSpiffeTlsEvents(logger, explainRefusedConnection);
    await using source = openIdentitySource(config);
    await source.ready();
    const database = openDatabase({
      source,
      address: config.postgresAddress,
      serverId: config.postgresId,
      database: config.postgresDatabase,
      user: config.postgresUser,
    });
    try {
      logger.info({ event: 'migrated', migrations: await migrate(database, logger) });
    } finally {
      await database.close();
      stopLogging();
    }
    return 0;
  } catch (error) {
    const problems = error instanceof ConfigError ? { code: error.code, problems: error.problems } : {};
    createLogger({ service: NAME }).fatal({
      event: 'failed',
      ...problems,
      message: error instanceof Error ? error.message : String(error),
    });
    return 1;
  }
}
