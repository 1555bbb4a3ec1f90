/**
 * Bundles for tests: the committed rules with a test's own grants, and archives that are broken in one way each.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Peer } from '@countersign/spiffe-tls';
import { SpiffeId } from '@countersign/spiffe-tls';
import { type Header, pack } from 'tar-stream';
import { readArchive } from '../src/bundle/bundle-archive.ts';
import type { PolicyInput } from '../src/policy-document.ts';

/** The bundle that services load. */
export const committedBundle = fileURLToPath(import.meta.resolve('@countersign/policies/bundle.tar.gz'));

export const SELF = 'spiffe://example.org/ns/test/sa/callee';
export const CALLER = 'spiffe://example.org/ns/test/sa/caller';
export const MASKED_CALLER = 'spiffe://example.org/ns/test/sa/masked';
export const STRANGER = 'spiffe://example.org/ns/test/sa/stranger';

/** Grants of the tests. */
export const GRANTS = {
  [SELF]: {
    [CALLER]: {
      'GET /': {},
      'GET /things': {},
      'GET /things/{id}': {},
      'POST /things': {},
      '/test.Echo/Unary': {},
      '/test.Echo/ClientStream': {},
      '/test.Echo/ServerStream': {},
      '/test.Echo/Bidi': {},
    },
    [MASKED_CALLER]: { 'GET /things/{id}': { mask: ['owner'] } },
  },
};

/** A file of an archive: its content, or a header of another kind. */
export type Entry = string | Uint8Array | (Partial<Header> & { content?: string });

/** A gzipped tar of these entries, in order; names may repeat. */
export async function archive(entries: readonly (readonly [name: string, entry: Entry])[]): Promise<Buffer> {
  const tar = pack();
  for (const [name, entry] of entries) {
    if (typeof entry === 'string' || entry instanceof Uint8Array) tar.entry({ name }, Buffer.from(entry));
    else tar.entry({ name, ...entry }, entry.content ?? '');
  }
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

/** The files of the committed bundle that a bundle needs. */
export async function committedFiles(): Promise<{ manifest: string; data: string; wasm: Uint8Array }> {
  const files = await readArchive(readFileSync(committedBundle));
  const text = (name: string): string => Buffer.from(files.get(name) ?? []).toString();
  return { manifest: text('.manifest'), data: text('data.json'), wasm: files.get('policy.wasm') ?? new Uint8Array() };
}

/** A bundle with any of its parts replaced; `null` leaves a part out. */
export async function bundleWith(
  parts: { manifest?: string | null; data?: string | Uint8Array | null; wasm?: Uint8Array | null } = {},
): Promise<Buffer> {
  const files = await committedFiles();
  const all = { ...files, data: JSON.stringify({ grants: GRANTS }), ...parts };
  const entries: (readonly [string, Entry])[] = [];
  if (all.data !== null) entries.push(['/data.json', all.data]);
  if (all.wasm !== null) entries.push(['/policy.wasm', all.wasm]);
  if (all.manifest !== null) entries.push(['/.manifest', all.manifest]);
  return archive(entries);
}

/** A peer as the adapters give it. Guards use its ID alone. */
export function peerOfId(id: string): Peer {
  return { id: SpiffeId.parse(id), path: [], serialNumber: '01', notAfterMs: Number.MAX_SAFE_INTEGER };
}

/** A question that the tests' grants allow. */
export function httpInput(parts: Partial<PolicyInput> = {}, peer = CALLER): PolicyInput {
  const { trustDomain, segments } = SpiffeId.parse(peer);
  return {
    transport: 'http',
    operation: 'GET /things/{id}',
    http: { method: 'GET', path: ['things', '42'] },
    self: { spiffe_id: SELF },
    peer: { spiffe_id: peer, trust_domain: trustDomain.name, path: segments },
    chain: [],
    time: '2026-01-02T03:04:05.678Z',
    ...parts,
  };
}
