/**
 * Which keys and signatures are strong enough (RFC 5280 algorithms; no MD5, no SHA-1, no RSA below 2048 bits), read from the
 * certificate's own bytes, so that a key of a kind not listed here never reaches the crypto library.
 */
import { createHash } from 'node:crypto';
import {
  type DerElement,
  type DerReader,
  DerTag,
  malformed,
  readBitString,
  readDer,
  readInteger,
  readOid,
} from './der.ts';

/** A certificate's public key: what it is known by and whether it may be used. */
export interface PublicKeyFacts {
  /** Hexadecimal SHA-256 of the SubjectPublicKeyInfo. */
  readonly spkiFingerprint256: string;
  /** Why the key is refused, for example `RSA 1024`; `undefined` if it is strong. */
  readonly weakness: string | undefined;
  /** Whether checking a signature with the key is bounded work with a known algorithm, be the key weak or not. */
  readonly verifiable: boolean;
}

type Strength = Pick<PublicKeyFacts, 'weakness' | 'verifiable'>;

const STRONG: Strength = { weakness: undefined, verifiable: true };

const MIN_RSA_BITS = 2048;
// Verifying with a huge modulus or exponent is work that an unauthenticated peer could ask for.
const MAX_RSA_BITS = 8192;
const MAX_RSA_EXPONENT_BYTES = 4;

const KEY = {
  rsa: '1.2.840.113549.1.1.1',
  rsaPss: '1.2.840.113549.1.1.10',
  ec: '1.2.840.10045.2.1',
  ed25519: '1.3.101.112',
};
const CURVES: ReadonlySet<string> = new Set(['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35']);

const SIGNATURES: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  KEY.ed25519,
]);
const HASHES: ReadonlySet<string> = new Set([
  '2.16.840.1.101.3.4.2.1',
  '2.16.840.1.101.3.4.2.2',
  '2.16.840.1.101.3.4.2.3',
]);

/** Reads a SubjectPublicKeyInfo. */
export function parsePublicKey(spki: DerElement): PublicKeyFacts {
  const reader = readDer(spki.encoded, DerTag.sequence, 'subjectPublicKeyInfo');
  const algorithm = reader.enter(DerTag.sequence, 'key algorithm');
  const oid = readOid(algorithm.expect(DerTag.oid, 'key algorithm'), 'key algorithm');
  const key = readBitString(reader.expect(DerTag.bitString, 'public key'), 'public key');
  reader.end('subjectPublicKeyInfo');
  if (key.unused !== 0) throw malformed('a public key must be whole bytes');
  return {
    spkiFingerprint256: createHash('sha256').update(spki.encoded).digest('hex'),
    ...strengthOf(oid, algorithm, key.bytes),
  };
}

function strengthOf(oid: string, parameters: DerReader, key: Uint8Array): Strength {
  if (oid === KEY.ed25519) return STRONG;
  if (oid === KEY.rsa || oid === KEY.rsaPss) return strengthOfRsa(key);
  if (oid !== KEY.ec) return refused(`key algorithm ${oid}`);
  // Only named curves: explicit parameters let a forger choose a generator under which a CA's public key is his own.
  if (parameters.nextTag !== DerTag.oid) return refused('an elliptic curve without a name');
  const curve = readOid(parameters.read('curve'), 'curve');
  return CURVES.has(curve) ? STRONG : refused(`curve ${curve}`);
}

function strengthOfRsa(key: Uint8Array): Strength {
  const reader = readDer(key, DerTag.sequence, 'RSA key');
  const modulus = readInteger(reader.expect(DerTag.integer, 'RSA modulus'), 'RSA modulus');
  const exponent = readInteger(reader.expect(DerTag.integer, 'RSA exponent'), 'RSA exponent');
  reader.end('RSA key');
  const bits = bitLength(modulus);
  const odd = ((exponent[exponent.length - 1] ?? 0) & 1) === 1;
  const usual = odd && bitLength(exponent) > 1 && exponent.length <= MAX_RSA_EXPONENT_BYTES;
  if (!usual) return refused('an unusual RSA exponent');
  if (bits > MAX_RSA_BITS) return refused(`RSA ${bits}`);
  return bits < MIN_RSA_BITS ? { weakness: `RSA ${bits}`, verifiable: true } : STRONG;
}

function refused(weakness: string): Strength {
  return { weakness, verifiable: false };
}

function bitLength(integer: Uint8Array): number {
  const digits = integer[0] === 0 ? integer.subarray(1) : integer;
  return digits.length === 0 ? 0 : digits.length * 8 - (Math.clz32(digits[0] ?? 0) - 24);
}

/** Why a signature algorithm is refused; `undefined` if it is strong. Takes the whole AlgorithmIdentifier. */
export function weaknessOfSignature(algorithm: DerElement): string | undefined {
  const reader = readDer(algorithm.encoded, DerTag.sequence, 'signature algorithm');
  const oid = readOid(reader.expect(DerTag.oid, 'signature algorithm'), 'signature algorithm');
  if (SIGNATURES.has(oid)) return undefined;
  if (oid !== KEY.rsaPss) return `signature algorithm ${oid}`;
  const hash = hashOfPss(reader);
  return hash !== undefined && HASHES.has(hash) ? undefined : `RSA-PSS with hash ${hash ?? 'SHA-1 (the default)'}`;
}

function hashOfPss(reader: DerReader): string | undefined {
  if (reader.nextTag !== DerTag.sequence) return undefined;
  const parameters = reader.enter(DerTag.sequence, 'PSS parameters');
  if (parameters.nextTag !== 0xa0) return undefined;
  const hash = parameters.enter(0xa0, 'PSS hash').enter(DerTag.sequence, 'PSS hash');
  return readOid(hash.expect(DerTag.oid, 'PSS hash'), 'PSS hash');
}
