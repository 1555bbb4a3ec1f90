/**
 * Test vectors of rules 13 to 15, and of whatever else takes more than one request.
 */
import type { ChainVector } from './chain-vectors.ts';
import { accepted, type Cast, LAST_ACT, pairOf, refused, stepOf, vectorOf } from './vector-cast.ts';
import { bundlesOf, chainOf, type Hop, type MadeChain, NOW } from './vector-world.ts';

const REPLAYED = refused(13, 'CHAIN_REPLAYED');

/** All of them. */
export function replayVectors(cast: Cast): ChainVector[] {
  return [...seenVectors(cast), ...clockVectors(cast), ...fullVectors(cast), rotationVector(cast)];
}

function stepper(cast: Cast) {
  const at = (seconds: number) => ({ atMs: NOW * 1_000 + Math.round(seconds * 1_000) });
  return {
    accept: (chain: MadeChain, seconds = 0) => stepOf(cast, { chain, expected: accepted(chain), ...at(seconds) }),
    refuse: (chain: MadeChain, expected: ReturnType<typeof refused>, seconds = 0) =>
      stepOf(cast, { chain, expected, ...at(seconds) }),
  };
}

function seenVectors(cast: Cast): ChainVector[] {
  const { accept, refuse } = stepper(cast);
  const [chain, later, once, other] = [pairOf(cast), pairOf(cast), pairOf(cast), pairOf(cast)];
  const last: Hop = { signer: cast.middle, aud: cast.store.id, act: LAST_ACT };
  const alone = chainOf(last);
  const [jtiOfAlone, elsewhere] = [jtiOf(alone), cast.stranger.id];
  const sameJti = chainOf({ ...last, claims: { jti: jtiOfAlone } });
  const otherIss = chainOf({ ...last, signer: cast.stranger, claims: { jti: jtiOfAlone } });
  const wrongCall = stepOf(cast, {
    chain: once,
    call: { act: 'GET /' },
    expected: refused(7, 'CHAIN_ACT_MISMATCH'),
  });
  const byOther = stepOf(cast, { chain: otherIss, call: { peer: elsewhere }, expected: accepted(otherIss) });
  return [
    vectorOf(cast, 'a chain sent twice', [accept(chain), refuse(chain, REPLAYED)]),
    vectorOf(cast, 'a chain sent again in its last moment', [accept(later), refuse(later, REPLAYED, 34)]),
    vectorOf(cast, 'what was refused is not remembered', [wrongCall, accept(once), refuse(once, REPLAYED)]),
    vectorOf(cast, 'another link with the same jti', [accept(alone), refuse(sameJti, REPLAYED)]),
    vectorOf(cast, 'the same jti by another signer', [accept(alone), byOther]),
    vectorOf(cast, 'a hop that calls twice: the first link may come again', fanOut(cast, other)),
  ];
}

/** The first link of `chain`, with the last one and with another after it. */
function fanOut(cast: Cast, chain: MadeChain) {
  const { accept, refuse } = stepper(cast);
  const [first = '', second = ''] = chain.links;
  const prev = prevOf(second);
  const hop: Hop = { signer: cast.middle, aud: cast.store.id, act: LAST_ACT, claims: { txn: chain.txn, prev } };
  const again: MadeChain = { ...chain, links: [first, ...chainOf(hop).links] };
  return [accept(chain), accept(again), refuse(chain, REPLAYED), refuse(again, REPLAYED)];
}

function clockVectors(cast: Cast): ChainVector[] {
  const { accept, refuse } = stepper(cast);
  const OVER = refused(14, 'CHAIN_EXPIRED');
  const at = (seconds: number) => pairOf(cast, { ...times('first', seconds), ...times('second', seconds) });
  const [early, sameTime, young, late] = [at(0), at(0), at(10), at(60)];
  return [
    vectorOf(cast, 'a link that was forgotten, after the clock was set back', [
      accept(early),
      accept(late, 60),
      refuse(early, OVER),
    ]),
    vectorOf(cast, 'a link that ends with one that was forgotten, after the clock was set back', [
      accept(early),
      accept(late, 60),
      refuse(sameTime, OVER),
      accept(young, 10),
    ]),
  ];
}

function times(link: 'first' | 'second', seconds: number) {
  return { [link]: { claims: { iat: NOW + seconds, exp: NOW + seconds + 30 } } };
}

function fullVectors(cast: Cast): ChainVector[] {
  const { accept, refuse } = stepper(cast);
  const FULL = refused(15, 'CHAIN_STORE_FULL');
  const [first, second] = [pairOf(cast), pairOf(cast)];
  const after = pairOf(cast, { ...times('first', 31), ...times('second', 31) });
  const steps = [
    accept(first),
    refuse(second, FULL),
    refuse(first, REPLAYED),
    refuse(second, FULL, 30),
    refuse(after, FULL, 35.999),
    accept(after, 36),
  ];
  return [
    vectorOf(cast, 'a store that is full, and has room when time has passed', steps, {
      options: { maxReplayEntries: 1 },
    }),
  ];
}

/** Bundles change between requests: a verdict on a signer ends with them. */
function rotationVector(cast: Cast): ChainVector {
  const before = pairOf(cast, { first: { signer: cast.foreign } });
  const between = pairOf(cast, { first: { signer: cast.foreign } });
  const after = pairOf(cast, { first: { signer: cast.foreign } });
  return vectorOf(cast, 'a federation that ends and begins again', [
    stepOf(cast, { chain: before, expected: accepted(before) }),
    stepOf(cast, { chain: between, bundles: bundlesOf(cast.ca), expected: refused(10, 'CHAIN_SIGNER_UNTRUSTED') }),
    stepOf(cast, { chain: after, bundles: cast.bundles, expected: accepted(after) }),
  ]);
}

function payloadOf(link: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(link.split('.')[1] ?? '', 'base64url').toString());
}

function jtiOf({ links }: MadeChain): unknown {
  return payloadOf(links[0] ?? '')['jti'];
}

function prevOf(link: string): unknown {
  return payloadOf(link)['prev'];
}
