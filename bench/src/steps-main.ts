/**
 * The two steps that our path adds, on their own and in one process: the verdict over a peer, which is taken once for each
 * connection, and the decision, which is taken for each request.
 */
import { loadIdentities } from '@countersign/identities';
import { authorizeId, SpiffeId, verifyPeer, X509Bundle, X509BundleSet } from '@countersign/spiffe-tls';
import { type ChainCase, measureChain } from './chain-steps.ts';
import { type GrantCase, measureGrants } from './grant-steps.ts';
import { loadPolicy } from './policy.ts';
import { type StepFigures, summarizeStep } from './step-figures.ts';
import type { VerdictCase } from './verdict-cases.ts';
import { serveCommands } from './worker.ts';

/** What the process can be asked for. */
export type StepCommands = typeof commands;

const commands = {
  /** Judges each chain once, and then the first of them again and again. */
  judge: (request: VerdictCase & { readonly samples: number }): StepFigures[] => {
    const { shape, peerId, bundlePem, samples } = request;
    const id = SpiffeId.parse(peerId);
    const bundles = X509BundleSet.of(X509Bundle.fromPem(id.trustDomain, bundlePem));
    const chains = request.chains.map((chain) => chain.map((der) => Buffer.from(der, 'base64')));
    const authorize = authorizeId(id);
    const judge = (chain: readonly Uint8Array[]): void => {
      verifyPeer({ chain, role: 'client', bundles, nowMs: Date.now(), authorize });
    };
    const [known = []] = chains;
    // Fresh ones first, and none of them twice: that is what makes them fresh.
    const fresh = timeEach(`verifyPeer, ${shape}, never seen before`, chains.length, (at) => judge(chains[at] ?? []));
    return [fresh, timeEach(`verifyPeer, ${shape}, in the caches`, samples, () => judge(known))];
  },
  /** Signs and verifies this many chains. */
  chain: (request: ChainCase): Promise<StepFigures[]> => measureChain(request),
  /** Decides among this many grants. */
  decideAmong: (request: GrantCase): Promise<StepFigures> => measureGrants(request),
  /** Decides this many times. */
  decide: measureDecision,
};

serveCommands(commands);

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
