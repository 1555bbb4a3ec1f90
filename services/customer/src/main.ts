/** Starts customer. */
import { runService } from '@countersign/service-kit';
import { customer } from './customer.ts';

await runService(customer, process);
