/**
 * Who is in the test vectors: CAs and workloads at a fixed time, and chains of theirs written by hand, so that the signer under
 * test is not what they come from.
 */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { createTestCa, type IssueOptions, type TestCa, type TestCaOptions } from '@countersign/testkit';
import { encode, entryOf, sha256 } from './chain-fixture.ts';
import type { VectorBundles } from './chain-vectors.ts';

/** 2027-01-15T08:00:00Z. */
export const NOW = 1_800_000_000;

const LIFE = { notBefore: new Date((NOW - 3_600) * 1_000), notAfter: new Date((NOW + 3_600) * 1_000) };
const ALGORITHMS: Readonly<Record<string, { readonly alg: string; readonly hash: string | null }>> = {
  'ec-p256': { alg: 'ES256', hash: 'sha256' },
  'ec-p384': { alg: 'ES384', hash: 'sha384' },
  'rsa-2048': { alg: 'RS256', hash: 'sha256' },
  'rsa-1024': { alg: 'RS256', hash: 'sha256' },
  ed25519: { alg: 'EdDSA', hash: null },
};

/** Who signs. */
export interface Workload {
  readonly id: string;
  readonly alg: string;
  readonly hash: string | null;
  readonly key: KeyObject;
  readonly chain: readonly Uint8Array[];
  readonly entry: string;
  readonly thumbprint: string;
}

/** A root CA that is valid around {@link NOW}. */
export async function rootOf(trustDomain: string, options: Partial<TestCaOptions> = {}): Promise<TestCa> {
  return createTestCa({ trustDomain, ...LIFE, ...options });
}

/** A CA below another. */
export async function below(ca: TestCa, options: Partial<TestCaOptions> = {}): Promise<TestCa> {
  return ca.intermediate({ ...LIFE, ...options });
}

/** A workload of a CA. */
export async function workloadOf(ca: TestCa, path: string, options: IssueOptions = {}): Promise<Workload> {
  const issued = await ca.issue({ path, ...LIFE, ...options });
  const algorithm = ALGORITHMS[options.keyType ?? 'ec-p256'];
  if (algorithm === undefined) throw new TypeError(`no links are signed by ${options.keyType}`);
  const shown = { chain: issued.chain, entry: entryOf(issued.chain), thumbprint: sha256(issued.der) };
  return { id: `${ca.trustDomain.id}${path}`, ...algorithm, key: issued.keys.privateKey, ...shown };
}

/** Bundles as vectors have them. */
export function bundlesOf(...cas: readonly TestCa[]): VectorBundles {
  const bundles: Record<string, string[]> = {};
  for (const { trustDomain, der } of cas) {
    const others = bundles[trustDomain.name] ?? [];
    bundles[trustDomain.name] = [...others, Buffer.from(der).toString('base64')];
  }
  return bundles;
}

/** One link of a chain: proper, but for what is asked. */
export interface Hop {
  readonly signer: Workload;
  readonly aud: string;
  readonly act: string;
  /** Members to add or replace; `undefined` leaves one out. */
  readonly header?: object;
  readonly claims?: object;
  /** Changes the JSON text. */
  readonly editHeader?: (json: string) => string;
  readonly editClaims?: (json: string) => string;
  readonly sign?: (signed: string, signer: Workload) => Buffer;
}

/** A chain, taken apart. */
export interface MadeChain {
  readonly hops: readonly Hop[];
  readonly txn: string;
  readonly links: readonly string[];
  readonly entries: readonly string[];
}

/** 128 random bits. */
export function randomId(): string {
  return randomBytes(16).toString('base64url');
}

/** The signature that a link by this workload has. */
export function signatureOf(signed: string, { hash, key }: Workload): Buffer {
  return sign(hash, Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });
}

/** Signs the hops, each after the one before. */
export function chainOf(...hops: readonly Hop[]): MadeChain {
  const txn = randomId();
  const links: string[] = [];
  for (const hop of hops) {
    const before = links.at(-1);
    links.push(linkOf(hop, { txn, ...(before === undefined ? {} : { prev: sha256(before) }) }));
  }
  const entries = [...new Set(hops.map(({ signer }) => signer.entry))];
  return { hops, txn, links, entries };
}

function linkOf(hop: Hop, context: object): string {
  const { signer, aud, act, editHeader = same, editClaims = same, sign: signIt = signatureOf } = hop;
  const header = { alg: signer.alg, typ: 'caller-link+jws', 'x5t#S256': signer.thumbprint, ...hop.header };
  const times = { iat: NOW, exp: NOW + 30 };
  const claims = { iss: signer.id, aud, act, ...times, jti: randomId(), ...context, ...hop.claims };
  const signed = `${encode(editHeader(JSON.stringify(header)))}.${encode(editClaims(JSON.stringify(claims)))}`;
  return `${signed}.${signIt(signed, signer).toString('base64url')}`;
}

function same(json: string): string {
  return json;
}
