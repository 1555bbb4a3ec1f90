/** What the caller chain takes, step by step: a link signed, and chains of each length verified. */
import {
  type ChainVerifier,
  createChainSigner,
  createChainVerifier,
  type EncodedChain,
  type VerifiedChain,
} from '@countersign/caller-chain';
import { SpiffeId } from '@countersign/spiffe-tls';
import { type Credentials, createSource } from './credentials.ts';
import { type StepFigures, summarizeStep } from './step-figures.ts';

/** One caller after the other, in the order of the call, and at last whom the last of them calls. */
export interface ChainCase {
  readonly callers: readonly Credentials[];
  readonly serverId: string;
  readonly samples: number;
}

const ACT = 'GET /hello';

/** A new chain for each sample, because none is accepted twice; their signers are known after the first. */
export async function measureChain({ callers, serverId, samples }: ChainCase): Promise<StepFigures[]> {
  const hops = callers.map((credentials, index) => ({
    signer: createChainSigner({ source: createSource(credentials) }),
    ownId: SpiffeId.parse(credentials.spiffeId),
    audience: SpiffeId.parse(callers[index + 1]?.spiffeId ?? serverId),
  }));
  const [last] = hops.slice(-1);
  if (last === undefined) throw new TypeError('bench: a chain has a caller');
  const [verifier, between] = [createVerifier(callers), createVerifier(callers)];
  const signedUs: number[] = [];
  const verifiedUs: number[] = [];
  for (let sample = 0; sample < samples; sample += 1) {
    let after: VerifiedChain | undefined;
    let encoded: EncodedChain | undefined;
    for (const { signer, ownId, audience } of hops) {
      const started = process.hrtime.bigint();
      encoded = await signer.sign({ audience, act: ACT, ...(after && { after }) });
      if (ownId.equals(last.ownId)) signedUs.push(elapsedUs(started));
      else after = between.verify(encoded, { peerId: ownId, ownId: audience, act: ACT });
    }
    if (encoded === undefined) throw new TypeError('bench: a chain has a caller');
    const started = process.hrtime.bigint();
    verifier.verify(encoded, { peerId: last.ownId, ownId: last.audience, act: ACT });
    verifiedUs.push(elapsedUs(started));
  }
  const links = `${hops.length} ${hops.length === 1 ? 'link' : 'links'}`;
  return [
    summarizeStep(`caller chain of ${links}, last one signed`, signedUs),
    summarizeStep(`caller chain of ${links}, verified`, verifiedUs),
  ];
}

/** All of them share one bundle. */
function createVerifier([anybody]: readonly Credentials[]): ChainVerifier {
  if (anybody === undefined) throw new TypeError('bench: a chain has a caller');
  return createChainVerifier({ source: createSource(anybody) });
}

function elapsedUs(started: bigint): number {
  return Number(process.hrtime.bigint() - started) / 1_000;
}
