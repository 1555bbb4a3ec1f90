/**
 * Bundle documents as others would write them. Only tests import it.
 */
import { createTestCa, type TestCa } from '@countersign/testkit';
import { createJwtKey, type TestJwtKey } from './jwt-fixture.ts';

/** The entry of a CA certificate. */
export function x509EntryOf(ca: TestCa, changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    kty: 'EC',
    crv: 'P-256',
    x: 'AA',
    y: 'AA',
    use: 'x509-svid',
    x5c: [Buffer.from(ca.der).toString('base64')],
    ...changes,
  };
}

/** A document of some entries, with further members. */
export function documentOf(keys: readonly unknown[], members: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.from(JSON.stringify({ keys, ...members }));
}

/** A trust domain with one CA and one JWT key. */
export interface TestAuthorities {
  readonly ca: TestCa;
  readonly jwtKey: TestJwtKey;
  /** Its document, with further members. */
  document(members?: Readonly<Record<string, unknown>>): Buffer;
}

/** Makes one. */
export async function createAuthorities(trustDomain: string): Promise<TestAuthorities> {
  const ca = await createTestCa({ trustDomain });
  const jwtKey = createJwtKey('P-256', `${trustDomain}-jwt`);
  return { ca, jwtKey, document: (members) => documentOf([x509EntryOf(ca), jwtKey.jwk], members) };
}
