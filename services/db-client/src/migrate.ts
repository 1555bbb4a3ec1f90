/** `db-migrate`: runs the migrations under the identity that owns the schema, and ends. */
import { runMigrations } from './run-migrations.ts';

process.exitCode = await runMigrations({ env: process.env, args: process.argv.slice(2) });
