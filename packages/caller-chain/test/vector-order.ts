/**
 * Test vectors of rules 4 to 8: links that follow each other, the request that they came with, and time.
 */
import type { CallerChainErrorCode } from '../src/index.ts';
import { sha256 } from './chain-fixture.ts';
import type { ChainVector, VectorStep } from './chain-vectors.ts';
import { type Cast, type Pair, pairOf, refused, type StepParts, stepOf, vectorOf } from './vector-cast.ts';
import { chainOf, type MadeChain, NOW, randomId } from './vector-world.ts';

const BODY = sha256('{"item":"a"}');

/** All of them. */
export function orderVectors(cast: Cast): ChainVector[] {
  return [...brokenVectors(cast), ...requestVectors(cast), ...timeVectors(cast)];
}

function brokenVectors(cast: Cast): ChainVector[] {
  const whole = pairOf(cast);
  const [a = '', b = ''] = whole.links;
  const [other = ''] = pairOf(cast).links;
  const [sameTxn = ''] = pairOf(cast, { first: { claims: { txn: whole.txn } } }).links;
  const splice = (...links: string[]): Pick<MadeChain, 'links' | 'entries'> => ({ ...whole, links });
  const changed = (pair: Pair) => pairOf(cast, pair);
  const rows: readonly (readonly [string, Pick<MadeChain, 'links' | 'entries'>])[] = [
    ['the first link left out', { links: [b], entries: [cast.middle.entry] }],
    ['the links in another order', splice(b, a)],
    ['the last link twice', splice(a, b, b)],
    ['the first link of another chain', splice(other, b)],
    ['another first link of the same transaction', splice(sameTxn, b)],
    ['prev in the first link', changed({ first: { claims: { prev: sha256('a') } } })],
    ['no prev in the last link', changed({ second: { claims: { prev: undefined } } })],
    ['another transaction', changed({ second: { claims: { txn: randomId() } } })],
    ['a first link for somebody else', changed({ first: { aud: cast.stranger.id } })],
  ];
  return rows.map(([name, chain]) => one(cast, name, [4, 'CHAIN_BROKEN'], { chain }));
}

function requestVectors(cast: Cast): ChainVector[] {
  const { origin, store, stranger, middle } = cast;
  const alone = chainOf({ signer: origin, aud: middle.id, act: 'POST /orders' });
  const chain = pairOf(cast);
  const withBody = pairOf(cast, { second: { claims: { bodyDigest: sha256('another') } } });
  return [
    one(cast, 'the first link alone', [5, 'CHAIN_PEER_MISMATCH'], { chain: alone }),
    one(cast, 'on the connection of another peer', [5, 'CHAIN_PEER_MISMATCH'], { chain, call: { peer: stranger.id } }),
    one(cast, 'for another service', [6, 'CHAIN_AUDIENCE_MISMATCH'], {
      chain: pairOf(cast, { second: { aud: stranger.id } }),
    }),
    one(cast, 'at another service', [6, 'CHAIN_AUDIENCE_MISMATCH'], { chain, call: { self: middle.id } }),
    one(cast, 'for another operation', [7, 'CHAIN_ACT_MISMATCH'], { chain, call: { act: '/example.Store/Get' } }),
    one(cast, 'for the operation with a query', [7, 'CHAIN_ACT_MISMATCH'], {
      chain: pairOf(cast, { second: { act: 'GET /orders?all' } }),
      call: { act: 'GET /orders' },
    }),
    one(cast, 'for the operation decoded', [7, 'CHAIN_ACT_MISMATCH'], {
      chain: pairOf(cast, { second: { act: 'GET /orders/%61' } }),
      call: { act: 'GET /orders/a' },
    }),
    one(cast, 'with the digest of another body', [7, 'CHAIN_ACT_MISMATCH'], {
      chain: withBody,
      call: { bodyDigest: BODY },
    }),
    one(cast, 'without the digest of the body', [7, 'CHAIN_ACT_MISMATCH'], { chain, call: { bodyDigest: BODY } }),
    one(cast, 'for another peer and another service: the peer is asked first', [5, 'CHAIN_PEER_MISMATCH'], {
      chain,
      call: { peer: store.id, self: middle.id, act: 'GET /' },
    }),
  ];
}

function timeVectors(cast: Cast): ChainVector[] {
  const times = (link: 'first' | 'second', iat: number, exp: number): MadeChain =>
    pairOf(cast, { [link]: { claims: { iat, exp } } });
  const rows: readonly (readonly [string, MadeChain, number?])[] = [
    ['a last link that is over, leeway included', times('second', NOW - 35, NOW - 5)],
    ['a first link that is over, leeway included', times('first', NOW - 35, NOW - 5)],
    ['a last link of the future', times('second', NOW + 6, NOW + 30)],
    ['a link a millisecond before its time', times('second', NOW + 6, NOW + 30), NOW * 1_000 + 999],
    ['a link that lives for 61 s', times('second', NOW, NOW + 61)],
    ['a link that ends as it begins', times('second', NOW, NOW)],
    ['a link that ends before it begins', times('first', NOW + 1, NOW)],
  ];
  return rows.map(([name, chain, atMs]) =>
    one(cast, name, [8, 'CHAIN_EXPIRED'], { chain, ...(atMs === undefined ? {} : { atMs }) }),
  );
}

/** A vector of one refusal. */
function one(
  cast: Cast,
  name: string,
  [rule, code]: readonly [number, CallerChainErrorCode],
  parts: Omit<StepParts, 'expected'>,
): ChainVector {
  const step: VectorStep = stepOf(cast, { ...parts, expected: refused(rule, code) });
  return vectorOf(cast, name, [step]);
}
