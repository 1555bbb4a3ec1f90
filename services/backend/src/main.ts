/** Starts backend. */
import { runService } from '@countersign/service-kit';
import { backend } from './backend.ts';

await runService(backend, process);
