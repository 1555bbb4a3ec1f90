/**
 * Runs a test vector with our verifier.
 */
import {
  createStaticX509Source,
  parseCertificate,
  SpiffeId,
  TrustDomain,
  X509Bundle,
  X509BundleSet,
  type X509Context,
} from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import {
  CallerChainError,
  type CallerChainErrorCode,
  type ChainVerifier,
  chainIn,
  createChainVerifier,
  type VerifiedChain,
} from '../src/index.ts';
import type { ChainVector, VectorBundles, VectorStep } from './chain-vectors.ts';

/** What came of a step, as a vector has it; a refusal without the number of the rule, which is not in our errors. */
export type StepOutcome =
  | { readonly code: CallerChainErrorCode }
  | {
      readonly origin: string;
      readonly txn: string;
      readonly links: readonly { readonly iss: string; readonly aud: string; readonly act: string }[];
    };

/** The verifier's own SVID: verifying does not look at it. */
const { svid } = await (async () => {
  const ca = await createTestCa({ trustDomain: 'verifier.example' });
  return ca.context(await ca.issue());
})();

/** Sends all steps to one verifier. Anything thrown but our error is a crash. */
export function runVector({ options, bundles, steps }: ChainVector): StepOutcome[] {
  const source = createStaticX509Source(contextOf(bundles));
  let nowMs = 0;
  const verifier = createChainVerifier({ source, ...options, now: () => nowMs });
  const outcomes = steps.map((step) => {
    nowMs = Date.parse(step.time);
    if (step.bundles !== undefined) source.update(contextOf(step.bundles));
    return outcomeOf(verifier, step);
  });
  source.close();
  return outcomes;
}

function outcomeOf(verifier: ChainVerifier, { headers, call }: VectorStep): StepOutcome {
  try {
    const encoded = chainIn((name) => (name === 'caller-chain' ? headers[name] : headers['caller-chain-certs']));
    if (encoded === undefined) throw new TypeError('a vector has a chain');
    const { peer, self, act, bodyDigest } = call;
    const request = { peerId: SpiffeId.parse(peer), ownId: SpiffeId.parse(self), act };
    return shown(verifier.verify(encoded, bodyDigest === undefined ? request : { ...request, bodyDigest }));
  } catch (error) {
    if (error instanceof CallerChainError) return { code: error.code };
    throw error;
  }
}

function shown({ origin, txn, links }: VerifiedChain): StepOutcome {
  const calls = links.map(({ iss, aud, act }) => ({ iss: `${iss}`, aud: `${aud}`, act }));
  return { origin: `${origin}`, txn, links: calls };
}

function contextOf(bundles: VectorBundles): X509Context {
  const all = Object.entries(bundles).map(([name, authorities]) => {
    const certificates = authorities.map((text) => parseCertificate(Buffer.from(text, 'base64')));
    return new X509Bundle(TrustDomain.parse(name), certificates);
  });
  return { svid, svids: [svid], bundles: X509BundleSet.of(...all) };
}
