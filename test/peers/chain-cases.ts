/**
 * Chains for the comparison of two verifiers: by our signer, and written by hand with anything at all in their JSON or text.
 */
import {
  type ChainSigner,
  createChainSigner,
  createChainVerifier,
  type EncodedChain,
  type VerifiedChain,
} from '@countersign/caller-chain';
import { createStaticX509Source, SpiffeId, type StaticX509Source } from '@countersign/spiffe-tls';
import { createTestCa, nearText, type TestCa, type TestKeyType } from '@countersign/testkit';
import fc from 'fast-check';
import type { ChainVector } from '../../packages/caller-chain/test/chain-vectors.ts';
import {
  accepted,
  type Cast,
  LAST_ACT,
  pairOf,
  stepOf,
  vectorOf,
} from '../../packages/caller-chain/test/vector-cast.ts';
import { bundlesOf, type Hop, NOW } from '../../packages/caller-chain/test/vector-world.ts';

const KEYS: readonly TestKeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519'];
const OPTIONS = { maxLinks: 4, maxBytes: 15_360, leewayMs: 5_000, maxLifeMs: 60_000, maxReplayEntries: 100 };

/** A chain by our signer, and what it is judged by. */
export interface SignedCase {
  readonly what: string;
  readonly encoded: EncodedChain;
  readonly vector: (encoded: EncodedChain) => ChainVector;
}

interface Member {
  readonly id: SpiffeId;
  readonly source: StaticX509Source;
  readonly signer: ChainSigner;
}

/** One chain of each length up to four that begins with each kind of key. The signers' clock is the real one. */
export async function signedCases(): Promise<SignedCase[]> {
  const ca = await createTestCa({ trustDomain: 'example.org' });
  const members: Member[] = [];
  for (const keyType of KEYS) members.push(await memberOf(await ca.intermediate(), `/${keyType}`, keyType, ca));
  const cases: SignedCase[] = [];
  for (const start of members.keys())
    for (const length of [1, 2, 3, 4]) cases.push(await signedCase(ca, members, { start, length }));
  return cases;
}

async function memberOf(issuer: TestCa, path: string, keyType: TestKeyType, ca: TestCa): Promise<Member> {
  const context = { ...ca.context(await issuer.issue({ path, keyType })) };
  const source = createStaticX509Source(context);
  return { id: context.svid.id, source, signer: createChainSigner({ source, maxBytes: 15_360 }) };
}

/** Each member verifies before it signs, as services do. */
async function signedCase(
  ca: TestCa,
  members: readonly Member[],
  { start, length }: { readonly start: number; readonly length: number },
): Promise<SignedCase> {
  const row = Array.from({ length }, (_, hop) => members[(start + hop) % members.length]).filter(
    (it) => it !== undefined,
  );
  const own = SpiffeId.parse('spiffe://example.org/own');
  let after: VerifiedChain | undefined;
  let encoded: EncodedChain = { chain: '', certs: '' };
  for (const [hop, { id, signer }] of row.entries()) {
    const [audience, act] = [row[hop + 1]?.id ?? own, `GET /hops/${hop}`];
    encoded = await signer.sign({ audience, act, ...(after === undefined ? {} : { after }) });
    const next = row[hop + 1];
    if (next === undefined) break;
    const verifier = createChainVerifier({ source: next.source, maxBytes: 15_360 });
    after = verifier.verify(encoded, { peerId: id, ownId: next.id, act });
  }
  const call = { peer: `${row.at(-1)?.id}`, self: `${own}`, act: `GET /hops/${length - 1}` };
  const time = new Date().toISOString();
  const vector = ({ chain, certs }: EncodedChain): ChainVector => {
    const headers = { 'caller-chain': [chain], 'caller-chain-certs': [certs] };
    const expected = { origin: `${row[0]?.id}`, txn: '', links: [] };
    return { name: 'signed', options: OPTIONS, bundles: bundlesOf(ca), steps: [{ time, headers, call, expected }] };
  };
  return { what: `${length} from ${row[0]?.id}`, encoded, vector };
}

type Change = (encoded: EncodedChain) => EncodedChain;
const header = fc.constantFrom<keyof EncodedChain>('chain', 'certs');
const index = fc.nat({ max: 3 });
const fraction = fc.double({ min: 0, max: 0.999, noNaN: true });

/** A character. */
const letterChange = fc.tuple(header, fraction, fc.constantFrom('A', 'g', '_', '.', ',', '=', ' ', '\n')).map(
  ([name, place, letter]): Change =>
    (encoded) => {
      const at = Math.floor(place * encoded[name].length);
      return { ...encoded, [name]: `${encoded[name].slice(0, at)}${letter}${encoded[name].slice(at + 1)}` };
    },
);

/** A bit of what is encoded: the text stays base64url. */
const bitChange = fc.tuple(header, index, index, fraction).map(
  ([name, item, place, at]): Change =>
    (encoded) => {
      const items = encoded[name].split(',').map((one) => one.split('.'));
      const parts = items[item % items.length] ?? [];
      const bytes = Buffer.from(parts[place % parts.length] ?? '', 'base64url');
      const byte = Math.floor(at * bytes.length);
      bytes.writeUInt8(bytes.readUInt8(byte) ^ 1, byte);
      parts[place % parts.length] = bytes.toString('base64url');
      return { ...encoded, [name]: items.map((one) => one.join('.')).join(',') };
    },
);

/** A link or an entry that is moved, or repeated. */
const orderChange = fc.tuple(header, index, index, fc.boolean()).map(
  ([name, from, to, keep]): Change =>
    (encoded) => {
      const parts = encoded[name].split(',');
      const moved = parts[from % parts.length] ?? '';
      const rest = keep ? parts : parts.filter((part) => part !== moved);
      return { ...encoded, [name]: rest.toSpliced(to, 0, moved).join(',') };
    },
);

/** Links left out, from either end, with the certificates of the others or with all. */
const cut = fc.tuple(index, fc.boolean()).map(
  ([count, fromStart]): Change =>
    (encoded) => {
      const links = encoded.chain.split(',');
      const kept = fromStart ? links.slice(count) : links.slice(0, Math.max(1, links.length - count));
      const certs = encoded.certs.split(',').slice(0, Math.max(1, kept.length));
      return { chain: kept.join(','), certs: certs.join(',') };
    },
);

/** One thing about a chain of ours that is not as it was signed. */
export const tampering: fc.Arbitrary<Change> = fc.oneof(letterChange, bitChange, orderChange, cut);

/** JSON values, and texts that only some readers take for one. */
const value = fc.oneof(
  fc.constantFrom(
    ...['null', 'true', '[]', '{}', '""', '"\\ud800"', '"\\u0000"', '"a', '01', '+1', '.5', '1.', '-0', '1e400', '0x1'],
    ...['0', '-1', `${NOW}.0`, `${NOW}.5`, '18e8', '1.8E+9', `${NOW}.${'0'.repeat(53)}`, `${NOW}.${'0'.repeat(54)}`],
    ...[`${NOW}.0000000000000000000000001`, 'NaN', 'Infinity', `${NOW + 30}`, '253402300799', '253402300800'],
    ...['"ES256"', '"ES384"', '"RS256"', '"EdDSA"', '"caller-link+jws"', '"spiffe://example.org/middle"', '"\\/a"'],
    ...['"spiffe://example.org"', '"spiffe://example.org/"', '"spiffe://example.org/a/../b"', '"spiffe://a_b/c"'],
  ),
  nearText('AZaz09-_/:. é\0', 'POST /orders', LAST_ACT, 'spiffe://example.org/store', 'AAAAAAAAAAAAAAAAAAAAAA').map(
    (text) => JSON.stringify(text),
  ),
);
const names = {
  editHeader: ['alg', 'typ', 'x5t#S256'],
  editClaims: ['iss', 'aud', 'act', 'txn', 'iat', 'exp', 'jti', 'prev', 'bodyDigest'],
} as const;

/** A change of a JSON text: a member replaced, added, renamed or spaced, or something beside the object. */
function editOf(part: keyof typeof names): fc.Arbitrary<(json: string) => string> {
  const name = fc.constantFrom(...names[part]);
  const other = fc.constantFrom<string>(...names[part], 'sub', 'ALG', '\\u0061ct');
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.tuple(name, value).map(
        ([of, text]) =>
          (json: string) =>
            withMember(json, of, text),
      ),
    },
    fc.tuple(other, value).map(
      ([of, text]) =>
        (json: string) =>
          `${json.slice(0, -1)},"${of}":${text}}`,
    ),
    name.map((of) => (json: string) => json.replace(`"${of}"`, ` "${of}"\t\r\n`)),
    name.map((of) => (json: string) => json.replace(`"${of}"`, `"\\u${hexOf(of)}${of.slice(1)}"`)),
    fc.constantFrom('\uFEFF', ' ', '\u00a0', '\v', '{}', ',', '\0').map((extra) => (json: string) => `${extra}${json}`),
    fc.constantFrom('\uFEFF', '\n', '\u2028', '{}', ',', '\0').map((extra) => (json: string) => `${json}${extra}`),
  );
}

function withMember(json: string, name: string, text: string): string {
  return json.replace(new RegExp(`"${name}":("[^"]*"|[0-9]+)`), () => `"${name}":${text}`);
}

function hexOf(name: string): string {
  return name.charCodeAt(0).toString(16).padStart(4, '0');
}

/** A pair of links, one of which has other JSON, and is signed all the same. */
export function editedCases(cast: Cast): fc.Arbitrary<ChainVector> {
  const change = fc
    .constantFrom<keyof typeof names>('editHeader', 'editClaims')
    .chain((part) => editOf(part).map((edit): Partial<Hop> => ({ [part]: edit })));
  return fc.tuple(fc.constantFrom('first', 'second'), change).map(([link, hop]) => {
    const chain = pairOf(cast, { [link]: hop });
    return vectorOf(cast, 'edited', [stepOf(cast, { chain, expected: accepted(chain) })]);
  });
}
