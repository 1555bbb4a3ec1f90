/**
 * A program whose main part ends at once: prints the identity it got and leaves the source open. Started by a test.
 */
import { createWorkloadApiX509Source } from '../src/workload-api-source.ts';

const [endpoint = '', unref] = process.argv.slice(2);
const source = createWorkloadApiX509Source({ endpoint, unref: unref === 'unref' });
console.log((await source.ready()).svid.id.toString());
