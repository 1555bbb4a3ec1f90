/**
 * Keys and documents for the comparisons with go-spiffe: good entries, and every way in which one can be odd.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { nearText } from '@countersign/testkit';
import fc from 'fast-check';

/** A signing key with its entry. */
export interface OracleKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes a key. */
export function oracleKey(kind: 'RSA' | 'RSA-1024' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519', kid: string): OracleKey {
  const { publicKey, privateKey } = pairOf(kind);
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'jwt-svid' } };
}

function pairOf(kind: string): { publicKey: KeyObject; privateKey: KeyObject } {
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519');
  if (kind.startsWith('P-')) return generateKeyPairSync('ec', { namedCurve: kind });
  return generateKeyPairSync('rsa', { modulusLength: kind === 'RSA' ? 2048 : 1024 });
}

/** Changes to an entry; `undefined` leaves a member out. */
const changes: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.record({ kid: fc.constantFrom<unknown>(undefined, '', 'p256', 'other', 1, null) }),
  fc.record({ use: fc.constantFrom<unknown>(undefined, 'sig', 'x509-svid', 'wit-svid', 'JWT-SVID', null, 1) }),
  fc.record({ kty: fc.constantFrom<unknown>(undefined, 'oct', 'OKP', 'AKP', 'ec', 'RSA', null) }),
  fc.record({ alg: fc.constantFrom<unknown>('ES256', 'RS256', 'none', 'EdDSA', 1) }),
  fc.record({ crv: fc.constantFrom<unknown>(undefined, 'P-256', 'P-384', 'secp256k1', 1) }),
  fc.record({ x: fc.constantFrom<unknown>(undefined, '', 'AA', 'AAAA=', '!', 1) }),
  fc.record({ n: fc.constantFrom<unknown>(undefined, 'AQAB', '', 1) }),
  fc.record({ e: fc.constantFrom<unknown>(undefined, 'AQ', 'AA', 'Ag', 'AQAB') }),
  fc.record({ x5c: fc.constantFrom<unknown>([], ['AAAA'], 'AAAA') }),
  fc.record({ d: fc.constantFrom<unknown>('AAAA', '') }),
  fc.record({ unknown: fc.jsonValue() }),
);

/** Documents with entries of `good`, as they are and changed, and texts near such a document. */
export function jwksTexts(good: readonly Readonly<Record<string, unknown>>[]): fc.Arbitrary<string> {
  const entry = fc.oneof(
    {
      weight: 20,
      arbitrary: fc.tuple(fc.constantFrom(...good), changes).map(([jwk, change]) => ({ ...jwk, ...change })),
    },
    fc.constantFrom<unknown>(null, 1, 'key', [], {}),
  );
  const members = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    fc.record({ spiffe_sequence: fc.constantFrom<unknown>(0, 1, 2 ** 53, -1, 1.5, '1', null) }),
    fc.record({ spiffe_refresh_hint: fc.constantFrom<unknown>(0, 300, -1, 1.5, '300', null) }),
    fc.record({ unknown: fc.jsonValue() }),
  );
  const document = fc
    .tuple(fc.array(entry, { maxLength: 4 }), members)
    .map(([keys, rest]) => JSON.stringify({ keys, ...rest }));
  const near = nearText('{}[]",:\\ \n09aKé\u0000', JSON.stringify({ keys: good.slice(0, 2) }), '{"keys":[]}');
  return fc.oneof({ weight: 3, arbitrary: document }, near, fc.json());
}

/** Documents that are odd as a whole. */
export const jwksCorners: readonly string[] = [
  '',
  'null',
  '[]',
  '{}',
  '{"keys":null}',
  '{"keys":{}}',
  '{"keys":[]}',
  '{"Keys":[]}',
  '{"keys":[],"keys":[]}',
  '{"keys":[]} ',
  '{"keys":[]}x',
  '\ufeff{"keys":[]}',
  `{"keys":[],"x":${'['.repeat(40)}${']'.repeat(40)}}`,
  `{"keys":[],"x":${'1'.repeat(80)}}`,
];
