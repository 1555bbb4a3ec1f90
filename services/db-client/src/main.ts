/** Starts db-client. */
import { runService } from '@countersign/service-kit';
import { dbClient } from './db-client.ts';

await runService(dbClient, process);
