/**
 * The two steps that our path adds, on their own and in one process: the verdict over a peer, which is taken once for each
 * connection, and the decision, which is taken for each request.
 */
import { loadIdentities } from '@countersign/identities';
import { authorizeId, SpiffeId, verifyPeer } from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { loadPolicy } from './policy.ts';
import { type StepFigures, summarizeStep } from './step-figures.ts';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type StepCommands = typeof commands;

/** A verdict over a certificate that was never seen costs a signature; there is no making more of them than needed. */
const FRESH_SHARE = 0.02;

const commands = {
  /** Measures every step, with this many samples of the quick ones. */
  measure: async (samples: number): Promise<StepFigures[]> => [
    ...(await measureVerdicts(samples)),
    await measureDecision(samples),
  ],
};

serveCommands(commands);

async function measureVerdicts(samples: number): Promise<StepFigures[]> {
  const identities = loadIdentities();
  const { trustDomain } = identities;
  const { spiffeId, dnsName } = identities.workload('customer');
  const ca = await createTestCa({ trustDomain });
  const bundles = ca.context(await ca.issue({ uris: [spiffeId], dnsNames: [dnsName] })).bundles;
  const { keys } = await ca.issue();
  const chains: Array<readonly Uint8Array[]> = [];
  while (chains.length < samples * FRESH_SHARE) {
    chains.push((await ca.issue({ uris: [spiffeId], dnsNames: [dnsName], keys })).chain);
  }
  const authorize = authorizeId(SpiffeId.parse(spiffeId));
  const judge = (chain: readonly Uint8Array[]): void => {
    verifyPeer({ chain, role: 'client', bundles, nowMs: Date.now(), authorize });
  };
  const [known = []] = chains;
  // Fresh ones first, and none of them twice: that is what makes them fresh.
  return [
    timeEach('verifyPeer, certificate never seen before', chains.length, (index) => judge(chains[index] ?? [])),
    timeEach('verifyPeer, certificate in the cache', samples, () => judge(known)),
  ];
}

async function measureDecision(samples: number): Promise<StepFigures> {
  const identities = loadIdentities();
  const engine = await loadPolicy();
  const self = { spiffe_id: identities.workload('backend').spiffeId };
  const customer = SpiffeId.parse(identities.workload('customer').spiffeId);
  const peer = { spiffe_id: customer.toString(), trust_domain: identities.trustDomain, path: customer.segments };
  const http = { method: 'GET', path: ['hello'] };
  const input = { transport: 'http', operation: 'GET /hello', http, self, peer, chain: [] } as const;
  const figures = timeEach('policy decision, in a tight loop', samples, () => {
    if (!engine.decide({ ...input, time: new Date().toISOString() }).allow) throw new Error('the call must be granted');
  });
  engine.close();
  return figures;
}

function timeEach(name: string, samples: number, step: (index: number) => void): StepFigures {
  const timesUs: number[] = [];
  for (let index = 0; index < samples; index += 1) {
    const startedNs = process.hrtime.bigint();
    step(index);
    timesUs.push(Number(process.hrtime.bigint() - startedNs) / 1_000);
  }
  return summarizeStep(name, timesUs);
}
