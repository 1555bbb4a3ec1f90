/**
 * Key pairs for tests. They are made when asked for and never stored.
 */
import { KeyObject, webcrypto } from 'node:crypto';

/** The kinds of key a test certificate may have; `rsa-1024` is there to be refused. */
export type TestKeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-1024' | 'ed25519';

/** A key pair, in the forms that certificates are made and used with. */
export interface TestKeys {
  readonly pair: webcrypto.CryptoKeyPair;
  readonly privateKey: KeyObject;
  /** Unencrypted PKCS#8. */
  readonly keyDer: Uint8Array;
  readonly keyPem: string;
}

/** The digest that a key signs with unless a test asks for a weak one. */
export type TestHash = 'SHA-256' | 'SHA-384' | 'SHA-1';

/** Makes a key pair. RSA takes some 100 ms, the others 1 ms. */
export async function createTestKeys(type: TestKeyType = 'ec-p256', hash: TestHash = 'SHA-256'): Promise<TestKeys> {
  const pair = await webcrypto.subtle.generateKey(algorithmOf(type, hash), true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error(`${type} made no key pair`);
  const privateKey = KeyObject.from(pair.privateKey);
  return {
    pair,
    privateKey,
    keyDer: privateKey.export({ type: 'pkcs8', format: 'der' }),
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

function algorithmOf(type: TestKeyType, hash: TestHash): webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams {
  switch (type) {
    case 'ec-p256':
      return { name: 'ECDSA', namedCurve: 'P-256' };
    case 'ec-p384':
      return { name: 'ECDSA', namedCurve: 'P-384' };
    case 'rsa-2048':
    case 'rsa-1024': {
      const modulusLength = type === 'rsa-2048' ? 2048 : 1024;
      return { name: 'RSASSA-PKCS1-v1_5', hash, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) };
    }
    case 'ed25519':
      // Node's types have no parameters for this one: a name is all it takes.
      return { name: 'Ed25519', namedCurve: 'Ed25519' };
  }
}
