/**
 * Caller chains by hand, from the specification and not by the library: each field is ours to get wrong.
 */
import { createHash, createPrivateKey, randomBytes, sign } from 'node:crypto';
import { parsePem } from '@countersign/spiffe-tls';
import type { Material } from './wire-tls.ts';

/** One link, as it is to be written. */
export interface LinkPlan {
  /** Whose certificate is named and, unless `key` is given, whose key signs. */
  readonly signer: Material;
  readonly key?: string;
  /** Claims beside `iat`, `exp`, `jti` and `prev`, which are made proper ones unless they are given; `undefined` leaves one out. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Changes the payload after it was signed. */
  readonly tamper?: (claims: Record<string, unknown>) => Record<string, unknown>;
}

/** Values of the two headers. */
export interface WrittenChain {
  readonly chain: string;
  readonly certs: string;
}

/** Writes a chain, each link after the one before. */
export function writeChain(plans: readonly LinkPlan[]): WrittenChain {
  const links: string[] = [];
  for (const plan of plans) links.push(writeLink(plan, links.at(-1)));
  return { chain: links.join(','), certs: [...new Set(plans.map(({ signer }) => entryOf(signer)))].join(',') };
}

/** The entry of a signer's certificates. */
export function entryOf({ cert }: Material): string {
  return dersOf(cert)
    .map((der) => Buffer.from(der).toString('base64url'))
    .join('.');
}

/** 128 random bits, as `txn` and `jti` are. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}

/** Seconds since the epoch. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function writeLink({ signer, key = signer.key, claims, header, tamper }: LinkPlan, before: string | undefined): string {
  const [leaf = new Uint8Array()] = dersOf(signer.cert);
  const thumbprint = createHash('sha256').update(leaf).digest('base64url');
  const head = { alg: 'ES256', typ: 'caller-link+jws', 'x5t#S256': thumbprint, ...header };
  const prev = before === undefined ? {} : { prev: createHash('sha256').update(before).digest('base64url') };
  const times = { iat: nowSeconds(), exp: nowSeconds() + 30, jti: randomId() };
  const payload: Record<string, unknown> = { ...times, ...prev, ...claims };
  const signed = `${encode(head)}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: createPrivateKey(key), dsaEncoding: 'ieee-p1363' });
  const sent = tamper === undefined ? signed : `${encode(head)}.${encode(tamper(payload))}`;
  return `${sent}.${signature.toString('base64url')}`;
}

function dersOf(pem: string): readonly Uint8Array[] {
  return parsePem(pem).map(({ der }) => der);
}

function encode(document: object): string {
  return Buffer.from(JSON.stringify(document)).toString('base64url');
}
