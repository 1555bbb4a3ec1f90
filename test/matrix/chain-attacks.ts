/**
 * Attacks on the caller chain, by a caller who is let in everywhere else: its connection is verified, and its chain lies.
 */
import { attempt, type Changes } from './attempts.ts';
import type { Cell } from './cells.ts';
import { actOf, type Ground, groundOf, lastOf } from './chain-plan.ts';
import { chainRefusal, expectedOf, policyRefusal } from './expectations.ts';
import { entryOf, type LinkPlan, nowSeconds, randomId, type WrittenChain, writeChain } from './links.ts';
import type { Expected } from './outcome.ts';
import { type Caller, callerOf, permittedAt, WAYS, type Way } from './table.ts';
import type { World } from './world.ts';

interface ChainAttack {
  readonly name: string;
  readonly what: string;
  /** Where it makes sense; default everywhere. `two`: where the chain has two links. `origin`: where the grant names origins. */
  readonly where?: 'two' | 'origin';
  make(ground: Ground): Promise<WrittenChain | undefined> | WrittenChain | undefined;
  /** The headers, if not each once. */
  readonly send?: (chain: WrittenChain) => readonly (readonly [name: string, value: string])[];
  /** Sent twice: what counts is the second answer. */
  readonly twice?: true;
  readonly outcome: string;
}

/** Does something to the last link. */
const last = (
  name: string,
  what: string,
  outcome: string,
  change: (link: LinkPlan, ground: Ground) => LinkPlan | Promise<LinkPlan>,
): ChainAttack => ({
  name: `chain ${name}`,
  what,
  outcome,
  make: async (ground) => {
    const link = lastOf(ground.links);
    return writeChain([...ground.links.slice(0, -1), await change(link, ground)]);
  },
});

/** Signed with what another caller presents, where there is such a thing at this server. */
const signedAs =
  (caller: string) =>
  async (link: LinkPlan, { world, way }: Ground): Promise<LinkPlan> => {
    const material = await world.credentials.of(callerOf(caller), way.server);
    return material === undefined ? link : { ...link, signer: material };
  };

const claim = (
  name: string,
  what: string,
  outcome: string,
  claims: () => Readonly<Record<string, unknown>>,
): ChainAttack => last(name, what, outcome, (link) => ({ ...link, claims: { ...link.claims, ...claims() } }));

/** Does something to the first of two links, after which the second is written as it should be. */
const first = (
  name: string,
  what: string,
  outcome: string,
  change: (link: LinkPlan, ground: Ground) => LinkPlan | Promise<LinkPlan>,
): ChainAttack => ({
  name: `chain ${name}`,
  what,
  where: 'two',
  outcome,
  make: async (ground) => {
    const [origin, ...rest] = ground.links;
    if (origin === undefined) throw new TypeError('matrix: a proper chain has an origin');
    return writeChain([await change(origin, ground), ...rest]);
  },
});

/** Bytes of certificates: more than a chain may have, less than HTTP's own parser refuses. */
const TOO_LARGE = 12_500;

const txnOf = ({ links }: Ground) => String(lastOf(links).claims['txn']);

/** All of them. */
export const CHAIN_ATTACKS: readonly ChainAttack[] = [
  {
    name: 'chain proper',
    what: 'none: a proper chain is accepted',
    outcome: 'as proper',
    make: ({ links }) => writeChain(links),
  },
  { name: 'chain left out', what: 'no chain at all', outcome: 'left out', make: () => undefined },
  last(
    'forged: other key',
    'signed by a key that is not the certificate’s',
    'CHAIN_SIGNATURE_INVALID',
    async (link, { world }) => ({
      ...link,
      key: (await world.credentials.member('rogue')).key,
    }),
  ),
  last('forged: changed', 'a claim changed after it was signed', 'CHAIN_SIGNATURE_INVALID', (link) => ({
    ...link,
    tamper: (claims) => ({ ...claims, jti: randomId() }),
  })),
  last(
    'forged: own CA',
    "the signer's certificate is by a CA of one's own",
    'CHAIN_SIGNER_UNTRUSTED',
    async (link, { world, way }) => ({
      ...link,
      signer: await world.credentials.forged(permittedAt(way.server)),
    }),
  ),
  last('forged: ended', "the signer's certificate has ended", 'CHAIN_SIGNER_UNTRUSTED', signedAs('expired')),
  last('forged: old CA', "the signer's CA has left the bundle", 'CHAIN_SIGNER_UNTRUSTED', signedAs('old CA')),
  last(
    'forged: other iss',
    'claims to be the peer, signed by another workload',
    'CHAIN_SIGNER_UNTRUSTED',
    async (link, { world }) => ({
      ...link,
      signer: await world.credentials.member('rogue'),
    }),
  ),
  last('forged: alg none', '`alg` is `none`', 'CHAIN_MALFORMED', (link) => ({ ...link, header: { alg: 'none' } })),
  last('forged: alg of another key', "`alg` is not the key's", 'CHAIN_SIGNATURE_INVALID', (link) => ({
    ...link,
    header: { alg: 'RS256' },
  })),
  last('other typ', 'another kind of token', 'CHAIN_MALFORMED', (link) => ({ ...link, header: { typ: 'JWT' } })),
  last('crit', 'a header that changes what is verified', 'CHAIN_MALFORMED', (link) => ({
    ...link,
    header: { crit: ['b64'] },
  })),
  claim('unknown claim', 'a claim that nobody knows', 'CHAIN_MALFORMED', () => ({ admin: true })),
  claim('other audience', '`aud` is another service', 'CHAIN_AUDIENCE_MISMATCH', () => ({
    aud: 'spiffe://example.org/other',
  })),
  claim('other operation', '`act` is another operation', 'CHAIN_ACT_MISMATCH', () => ({ act: 'GET /other' })),
  claim('ended', 'a link whose time is over', 'CHAIN_EXPIRED', () => ({
    iat: nowSeconds() - 50,
    exp: nowSeconds() - 20,
  })),
  claim('not begun', 'a link of the future', 'CHAIN_EXPIRED', () => ({
    iat: nowSeconds() + 20,
    exp: nowSeconds() + 50,
  })),
  claim('lives too long', 'a link of two minutes', 'CHAIN_EXPIRED', () => ({ exp: nowSeconds() + 120 })),
  {
    name: 'chain replayed',
    what: 'the same chain a second time',
    outcome: 'CHAIN_REPLAYED',
    twice: true,
    make: ({ links }) => writeChain(links),
  },
  {
    name: 'chain of another peer',
    what: "a proper chain of another workload's, captured",
    outcome: 'CHAIN_PEER_MISMATCH',
    make: async ({ world, way, linkBy }) =>
      writeChain([await linkBy('auditor', world.serverId(way), actOf(way, world))]),
  },
  {
    name: 'chain without certificates',
    what: 'one of the two headers alone',
    outcome: 'CHAIN_MALFORMED',
    make: ({ links }) => writeChain(links),
    send: ({ chain }) => [['caller-chain', chain]],
  },
  {
    name: 'chain twice',
    what: 'the header twice, with two chains',
    outcome: 'CHAIN_MALFORMED',
    make: ({ links }) => writeChain(links),
    send: ({ chain, certs }) => [
      ['caller-chain', chain],
      ['caller-chain', chain],
      ['caller-chain-certs', certs],
    ],
  },
  {
    name: 'chain with a certificate of nobody',
    what: 'certificates of somebody who signed nothing, beside a caller who called itself',
    outcome: 'CHAIN_MALFORMED',
    where: 'two',
    make: async ({ world, links }) => {
      const peer = lastOf(links);
      const { chain } = writeChain([{ ...peer, claims: { ...peer.claims, aud: peer.claims['iss'] } }, peer]);
      return { chain, certs: [peer.signer, await world.credentials.member('rogue')].map(entryOf).join(',') };
    },
  },
  last('too large', 'certificates of more than 12 KiB', 'CHAIN_TOO_LARGE', (link) => ({
    ...link,
    signer: { ...link.signer, cert: link.signer.cert.repeat(Math.ceil(TOO_LARGE / entryOf(link.signer).length)) },
  })),
  {
    name: 'chain too long',
    what: 'five links',
    outcome: 'CHAIN_TOO_LARGE',
    make: ({ links }) => writeChain([...Array.from({ length: 5 - links.length }, () => lastOf(links)), ...links]),
  },
  claim('spliced: prev', 'the last link follows another link', 'CHAIN_BROKEN', () => ({
    prev: Buffer.alloc(32).toString('base64url'),
  })),
  first('spliced: transaction', "the origin's link is of another transaction", 'CHAIN_BROKEN', (link) => ({
    ...link,
    claims: { ...link.claims, txn: randomId() },
  })),
  first('spliced: gap', "the origin's link is for another service", 'CHAIN_BROKEN', (link, { world }) => ({
    ...link,
    claims: { ...link.claims, aud: world.idOf('auditor') },
  })),
  first('spliced: old origin', "the origin's link has ended", 'CHAIN_EXPIRED', (link) => ({
    ...link,
    claims: { ...link.claims, iat: nowSeconds() - 50, exp: nowSeconds() - 20 },
  })),
  first(
    'forged origin',
    "the origin's link is signed by the peer itself",
    'CHAIN_SIGNATURE_INVALID',
    (link, { links }) => ({
      ...link,
      key: lastOf(links).signer.key,
    }),
  ),
  first(
    'origin claimed',
    "the peer's own certificate for the origin's link",
    'CHAIN_SIGNER_UNTRUSTED',
    (link, { links }) => ({
      ...link,
      signer: lastOf(links).signer,
    }),
  ),
  first('first with prev', "the origin's link follows another", 'CHAIN_BROKEN', (link) => ({
    ...link,
    claims: { ...link.claims, prev: Buffer.alloc(32).toString('base64url') },
  })),
  {
    name: 'chain origin not allowed',
    what: 'a proper chain that began at a workload without rights',
    where: 'origin',
    outcome: 'origin-not-allowed',
    make: async (ground) => {
      const origin = await ground.linkBy('rogue', ground.world.idOf('backend'), 'POST /orders', txnOf(ground));
      return writeChain([origin, lastOf(ground.links)]);
    },
  },
  {
    name: 'chain without origin',
    what: "the peer's own link alone, as if it had begun the call",
    where: 'origin',
    outcome: 'origin-not-allowed',
    make: ({ links }) => writeChain([lastOf(links)]),
  },
];

/** Each attack by each way that reads chains, by who is let in there. */
export function chainAttackCells(): Cell[] {
  const ways = WAYS.filter(({ transport }) => transport !== 'postgres');
  return ways.flatMap((way) =>
    CHAIN_ATTACKS.filter(({ where }) => where !== 'two' || ['db-client', 'echo'].includes(way.server))
      .filter(({ where }) => where !== 'origin' || way.server === 'db-client')
      .map((attack) => chainCell(attack, callerOf(permittedAt(way.server)), way)),
  );
}

function chainCell(attack: ChainAttack, caller: Caller, way: Way): Cell {
  return {
    caller: caller.name,
    way,
    attack: attack.name,
    expected: (world) => outcomeOf(attack.outcome, caller, way, world),
    run: async (world) => {
      const written = await attack.make(await groundOf(world, way, caller.name));
      const pairs = written === undefined ? [] : (attack.send ?? eachOnce)(written);
      const changes: Changes = { chain: pairs };
      if (attack.twice === true) await attempt(world, caller, way, changes);
      return attempt(world, caller, way, changes);
    },
  };
}

function eachOnce({ chain, certs }: WrittenChain) {
  return [
    ['caller-chain', chain],
    ['caller-chain-certs', certs],
  ] as const;
}

function outcomeOf(outcome: string, caller: Caller, way: Way, world: World): Expected {
  if (outcome === 'as proper') return expectedOf(caller, way, world);
  if (outcome === 'left out') return withoutChain(caller, way, world);
  if (outcome === 'origin-not-allowed')
    return policyRefusal(caller, way, world, { reason: outcome, rule: 'origin-is-allowed' });
  return chainRefusal(way, outcome);
}

/**
 * Whoever leaves the chain out gets no further than the service that it calls: db-client asks for one, and what backend
 * asks db-client for without an origin is asked in backend's own name, which has no right to it.
 */
function withoutChain(caller: Caller, way: Way, world: World): Expected {
  if (way.server === 'db-client')
    return policyRefusal(caller, way, world, { reason: 'chain-required', rule: 'chain-is-present' });
  const proper = expectedOf(caller, way, world);
  if (way.server === 'echo' || /hello/i.test(way.operation)) return proper;
  const fields = {
    'result.reason': 'origin-not-allowed',
    'result.rule': 'origin-is-allowed',
    'input.peer.spiffe_id': world.idOf('backend'),
  };
  const records = [...proper.records, { program: 'db-client', event: 'decision', fields } as const];
  const wire = way.transport === 'https' ? 'HTTP 403' : 'gRPC PERMISSION_DENIED POLICY_DENIED';
  return { verdict: 'no', reason: 'origin-not-allowed, at db-client', wire, records };
}
