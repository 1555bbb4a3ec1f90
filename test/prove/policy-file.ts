/**
 * The policy that the system under test runs with: a copy of the repository's bundle whose grants can be changed while it
 * runs, as an operator who publishes a new bundle would.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';

/** Operation, then the grant. */
export type Operations = Readonly<Record<string, { readonly mask?: readonly string[] }>>;

/** A bundle on disk. */
export interface PolicyFile {
  /** For `POLICY_BUNDLE`. */
  readonly path: string;
  /** Grants a caller these operations of a service, in the place of what it had; `undefined` takes all away. Gives the new revision. */
  grant(service: string, caller: string, operations: Operations | undefined): Promise<string>;
  remove(): void;
}

type Grants = Record<string, Record<string, Operations>>;

/** Copies a bundle to a folder that every service may read, whatever user it runs as. */
export async function createPolicyFile(original: string): Promise<PolicyFile> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-policy-'));
  chmodSync(folder, 0o755);
  const path = join(folder, 'bundle.tar.gz');
  const files = await readFiles(readFileSync(original));
  const manifest: Record<string, unknown> = JSON.parse(textOf(files, '.manifest'));
  const data: { grants: Grants } = JSON.parse(textOf(files, 'data.json'));
  const write = async (revision: string) => {
    files.set('/.manifest', Buffer.from(JSON.stringify({ ...manifest, revision })));
    files.set('/data.json', Buffer.from(JSON.stringify(data)));
    // A reader never sees half of it.
    writeFileSync(`${path}.new`, await archive(files), { mode: 0o644 });
    renameSync(`${path}.new`, path);
  };
  await write(String(manifest['revision']));
  return {
    path,
    async grant(service, caller, operations) {
      const callers = { ...data.grants[service] };
      delete callers[caller];
      data.grants[service] = operations === undefined ? callers : { ...callers, [caller]: operations };
      const revision = `prove-${randomUUID()}`;
      await write(revision);
      return revision;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function readFiles(bytes: Uint8Array): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const reader = extract();
  reader.end(gunzipSync(bytes));
  for await (const entry of reader) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of entry) if (chunk instanceof Uint8Array) chunks.push(chunk);
    if (entry.header.type === 'file') files.set(entry.header.name, Buffer.concat(chunks));
  }
  return files;
}

function textOf(files: ReadonlyMap<string, Buffer>, name: string): string {
  const found = files.get(`/${name}`);
  if (found === undefined) throw new TypeError(`prove: the bundle has no ${name}`);
  return found.toString('utf8');
}

async function archive(files: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of files) tar.entry({ name }, content);
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}
