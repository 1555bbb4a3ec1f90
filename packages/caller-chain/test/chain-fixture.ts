/**
 * Chains written by hand for tests: each part of a link can be made wrong, and is signed all the same.
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { createStaticX509Source, type StaticX509Source, type X509Svid } from '@countersign/spiffe-tls';
import type { IssuedSvid, TestCa } from '@countersign/testkit';
import type { EncodedChain } from '../src/index.ts';

/** The time that tests judge at: that of the certificates, since these are made now. */
export const NOW_MS = Math.floor(Date.now() / 1_000) * 1_000;
export const NOW = NOW_MS / 1_000;

/** Who signs, and all that a link needs of it. */
export interface Party {
  readonly issued: IssuedSvid;
  readonly svid: X509Svid;
  readonly source: StaticX509Source;
  readonly entry: string;
  readonly thumbprint: string;
}

/** A workload of `ca` that trusts it, and whatever other CAs are given. */
export async function partyOf(
  ca: TestCa,
  options: Parameters<TestCa['issue']>[0],
  others: readonly TestCa[] = [],
): Promise<Party> {
  const issued = await ca.issue(options);
  const svid = issued.svid();
  const source = createStaticX509Source(ca.context(issued, ...others.map((other) => other.bundle())));
  return { issued, svid, source, entry: entryOf(issued.chain), thumbprint: sha256(issued.der) };
}

export function entryOf(chain: readonly Uint8Array[]): string {
  return chain.map((der) => Buffer.from(der).toString('base64url')).join('.');
}

export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('base64url');
}

export function encode(text: string | object): string {
  return Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)).toString('base64url');
}

/** How a link differs from a proper one. A text stands for the JSON as it is; `undefined` leaves a member out. */
export interface LinkChange {
  readonly header?: object | string;
  readonly claims?: object | string;
  /** Default: as the key has it. */
  readonly sign?: (signed: string, key: KeyObject) => Buffer;
}

let serial = 0;

/** 128 bits that no other call returned. */
export function randomId(): string {
  serial += 1;
  return createHash('sha256').update(`${serial}`).digest().subarray(0, 16).toString('base64url');
}

/** Signs a P-256 link. */
export function linkOf(signer: Party, claims: object, change: LinkChange = {}): string {
  const header = { alg: 'ES256', typ: 'caller-link+jws', 'x5t#S256': signer.thumbprint };
  const usual = { iss: `${signer.svid.id}`, iat: NOW, exp: NOW + 30, jti: randomId(), ...claims };
  const signed = [
    typeof change.header === 'string' ? encode(change.header) : encode({ ...header, ...change.header }),
    typeof change.claims === 'string' ? encode(change.claims) : encode({ ...usual, ...change.claims }),
  ].join('.');
  const signIt = change.sign ?? signEs256;
  return `${signed}.${signIt(signed, signer.svid.privateKey).toString('base64url')}`;
}

export function signEs256(signed: string, key: KeyObject): Buffer {
  return sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
}

export function encoded(links: readonly string[], entries: readonly string[]): EncodedChain {
  return { chain: links.join(','), certs: entries.join(',') };
}
