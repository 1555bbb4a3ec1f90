/**
 * Test vectors of rules 9 to 12: the certificates, whom they make trusted, and the signatures.
 */
import { sign } from 'node:crypto';
import { type IssueOptions, KeyUsageFlags } from '@countersign/testkit';
import type { CallerChainErrorCode } from '../src/index.ts';
import { entryOf, sha256 } from './chain-fixture.ts';
import type { ChainVector } from './chain-vectors.ts';
import { type Cast, type Pair, pairOf, refused, stepOf, vectorOf } from './vector-cast.ts';
import { below, type MadeChain, NOW, rootOf, signatureOf, type Workload, workloadOf } from './vector-world.ts';

type Row = readonly [name: string, chain: Pick<MadeChain, 'links' | 'entries'>];

/** All of them. */
export async function signerVectors(cast: Cast): Promise<ChainVector[]> {
  return [
    ...refusals(cast, 9, 'CHAIN_MALFORMED', entryRows(cast)),
    ...refusals(cast, 10, 'CHAIN_SIGNER_UNTRUSTED', [...(await caRows(cast)), ...(await leafRows(cast))]),
    ...refusals(cast, 11, 'CHAIN_SIGNER_UNTRUSTED', issRows(cast)),
    ...refusals(cast, 12, 'CHAIN_SIGNATURE_INVALID', signatureRows(cast)),
  ];
}

function refusals(cast: Cast, rule: number, code: CallerChainErrorCode, rows: readonly Row[]): ChainVector[] {
  return rows.map(([name, chain]) => vectorOf(cast, name, [stepOf(cast, { chain, expected: refused(rule, code) })]));
}

function entryRows(cast: Cast): Row[] {
  const { origin, middle, stranger } = cast;
  const chain = pairOf(cast);
  const selfCall = pairOf(cast, { first: { signer: middle, aud: middle.id } });
  const withEntries = (...entries: string[]) => ({ links: chain.links, entries });
  return [
    ['a certificate missing', withEntries(origin.entry)],
    ['a certificate of nobody in its place', withEntries(origin.entry, stranger.entry)],
    ['one certificate twice', withEntries(origin.entry, origin.entry)],
    ['one leaf twice, once with more behind it', { ...selfCall, entries: [middle.entry, `${middle.entry}.AA`] }],
    ['a certificate of nobody beside', { ...selfCall, entries: [middle.entry, stranger.entry] }],
    ['a certificate with padding', withEntries(`${origin.entry}=`, middle.entry)],
    ['an empty certificate', withEntries(`${origin.entry}.`, middle.entry)],
    [
      'a line break within a certificate',
      withEntries(`${origin.entry.slice(0, 8)}\n${origin.entry.slice(8)}`, middle.entry),
    ],
  ];
}

const byFirst = (cast: Cast, signer: Workload): MadeChain => pairOf(cast, { first: { signer } });

async function caRows(cast: Cast): Promise<Row[]> {
  const { ca, foreignCa, origin } = cast;
  const impostor = await workloadOf(await rootOf('example.org'), '/origin');
  const unknown = await workloadOf(await rootOf('example.com'), '/origin');
  const minted = await workloadOf(await below(foreignCa, { trustDomain: 'example.org' }), '/origin');
  const nested = await workloadOf(await below(ca), '/origin');
  const [nestedLeaf] = nested.chain;
  const overCa = await below(ca, { notAfter: new Date((NOW - 60) * 1_000) });
  const noCa = await below(ca, { isCa: false });
  const junk = Buffer.from('junk');
  const bare = nestedLeaf === undefined ? nested : { ...nested, entry: entryOf([nestedLeaf]) };
  return [
    ['a CA of the same trust domain that is not in its bundle', byFirst(cast, impostor)],
    ['a trust domain without bundle', byFirst(cast, unknown)],
    ['a signer of this trust domain, by the CA of a federated one', byFirst(cast, minted)],
    ['an intermediate left out', byFirst(cast, bare)],
    ['an intermediate that is over', byFirst(cast, await workloadOf(overCa, '/origin'))],
    ['an intermediate that is no CA', byFirst(cast, await workloadOf(noCa, '/origin'))],
    [
      'an intermediate that is no DER',
      byFirst(cast, { ...origin, entry: `${origin.entry}.${junk.toString('base64url')}` }),
    ],
    [
      'a leaf that is no DER',
      byFirst(cast, { ...origin, entry: junk.toString('base64url'), thumbprint: sha256(junk) }),
    ],
    ['two certificates of one entry in another order', byFirst(cast, swapped(nested))],
    [
      'an intermediate that is signed with SHA-1',
      byFirst(cast, await workloadOf(await below(ca, { hash: 'SHA-1' }), '/origin')),
    ],
    ['an entry of eleven certificates', byFirst(cast, withCertificates(origin, 11))],
  ];
}

/** The leaf, with itself behind it: nothing that its path needs. */
export function withCertificates(workload: Workload, count: number): Workload {
  const [leaf = Buffer.alloc(0)] = workload.chain;
  const chain = Array.from({ length: count }, () => leaf);
  return { ...workload, chain, entry: entryOf(chain) };
}

/** The thumbprint is that of what comes first, as the signer says it. */
function swapped(workload: Workload): Workload {
  const chain = workload.chain.toReversed();
  return { ...workload, chain, entry: entryOf(chain), thumbprint: sha256(chain[0] ?? Buffer.alloc(0)) };
}

async function leafRows(cast: Cast): Promise<Row[]> {
  const at = (seconds: number): Date => new Date((NOW + seconds) * 1_000);
  const { digitalSignature, keyCertSign, keyEncipherment } = KeyUsageFlags;
  const faults: readonly (readonly [string, IssueOptions])[] = [
    ['a leaf that is over', { notAfter: at(-60) }],
    ['a leaf that is not valid yet', { notBefore: at(60) }],
    ['a leaf that is a CA', { isCa: true }],
    ['a leaf that may sign certificates', { keyUsage: digitalSignature | keyCertSign }],
    ['a leaf that may not sign', { keyUsage: keyEncipherment }],
    ['a leaf without keyUsage', { keyUsage: null }],
    ['a leaf whose keyUsage is not critical', { keyUsageCritical: false }],
    ['a leaf with an RSA key of 1024 bits', { keyType: 'rsa-1024' }],
    ['a leaf with two URIs', { uris: ['spiffe://example.org/origin', 'spiffe://example.org/other'] }],
    ['a leaf without URI', { uris: [], dnsNames: ['origin.example.org'] }],
    ['a leaf with an ID without path', { uris: ['spiffe://example.org'] }],
    ['a leaf with an unknown critical extension', { unknownCritical: '1.3.6.1.4.1.55555.1' }],
  ];
  const rows: Row[] = [];
  for (const [name, options] of faults) {
    rows.push([name, byFirst(cast, await workloadOf(cast.ca, '/origin', options))]);
  }
  return rows;
}

function issRows(cast: Cast): Row[] {
  const { origin, middle, stranger } = cast;
  const claiming = (link: 'first' | 'second', iss: string): Pair => ({ [link]: { signer: stranger, claims: { iss } } });
  return [
    ['a first link signed by somebody else', pairOf(cast, claiming('first', origin.id))],
    ['a last link signed by somebody else', pairOf(cast, claiming('second', middle.id))],
    [
      'a link by somebody else with a wrong signature: who it is by is asked first',
      pairOf(cast, { first: { signer: stranger, claims: { iss: origin.id }, sign: () => Buffer.alloc(64) } }),
    ],
    [
      'a first link signed by a namesake of another trust domain',
      pairOf(cast, {
        first: { signer: cast.foreign, claims: { iss: origin.id } },
      }),
    ],
    [
      'a first link signed by somebody else and a last one with a wrong signature: the first is asked first',
      pairOf(cast, { ...claiming('first', origin.id), second: { sign: () => Buffer.alloc(64) } }),
    ],
  ];
}

function signatureRows(cast: Cast): Row[] {
  const { stranger } = cast;
  const second = (change: NonNullable<Pair['second']>): MadeChain => pairOf(cast, { second: change });
  return [
    ['a signature by another key', second({ sign: (signed) => signatureOf(signed, stranger) })],
    ['a signature of zeros', second({ sign: () => Buffer.alloc(64) })],
    ['a signature in DER', second({ sign: (signed, { key }) => sign('sha256', Buffer.from(signed), key) })],
    [
      'a signature with a byte more',
      second({ sign: (signed, signer) => Buffer.concat([signatureOf(signed, signer), Buffer.alloc(1)]) }),
    ],
    ['a signature of one byte', second({ sign: () => Buffer.alloc(1, 1) })],
    ['a signature of other text', second({ sign: (signed, signer) => signatureOf(`${signed} `, signer) })],
    ['an algorithm that is not the key’s', second({ header: { alg: 'ES384' } })],
    ['an algorithm of another kind of key', second({ header: { alg: 'RS256' } })],
    [
      'a first signature that is wrong, and a last one that holds',
      pairOf(cast, { first: { sign: () => Buffer.alloc(64, 1) } }),
    ],
    [
      'a first signature that is wrong and a last link by somebody else: the first is asked first',
      pairOf(cast, {
        first: { sign: () => Buffer.alloc(64, 1) },
        second: { signer: stranger, claims: { iss: cast.middle.id } },
      }),
    ],
  ];
}
