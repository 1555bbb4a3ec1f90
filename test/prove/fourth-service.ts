/** A fourth service, run by an experiment: it has an identity and a place to call, calls once, and says what it was answered. */
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { callHttps } from './calls.ts';

const {
  SPIFFE_ENDPOINT_SOCKET: endpoint = '',
  BACKEND_ADDRESS: address = '',
  BACKEND_SPIFFE_ID: spiffeId = '',
} = process.env;
const hint = process.env['SPIFFE_HINT'];
await using source = createWorkloadApiX509Source({ endpoint, ...(hint === undefined ? {} : { hint }) });
await source.ready();
const answer = await callHttps(source, { address, spiffeId }, { path: '/hello' });
process.send?.({ self: String(source.current().svid.id), ...answer });
if (process.connected) process.disconnect();
