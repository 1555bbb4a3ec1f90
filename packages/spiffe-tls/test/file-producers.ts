/**
 * Writers of identity files that work as the real producers do: Kubernetes' atomic writer, which csi-driver-spiffe and
 * Secret volumes use, and spiffe-helper, which writes one file after another in place. Only tests import it.
 */
import { chmod, mkdir, mkdtemp, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { IssuedSvid, TestCa } from '@countersign/testkit';

/** A directory that is removed when the test ends. */
export async function createDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'spiffe-tls-files-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Names to contents. */
export type Files = Readonly<Record<string, string>>;

/** What csi-driver-spiffe writes. */
export function csiFiles(issued: IssuedSvid, ...cas: readonly TestCa[]): Files {
  return { 'tls.crt': issued.certificatePem, 'tls.key': issued.keyPem, 'ca.crt': pemOf(cas) };
}

/** What spiffe-helper writes, in its order. */
export function helperFiles(issued: IssuedSvid, ...cas: readonly TestCa[]): Files {
  return { 'svid.pem': issued.certificatePem, 'svid_key.pem': issued.keyPem, 'svid_bundle.pem': pemOf(cas) };
}

/** The CAs' certificates, one after the other. */
export function pemOf(cas: readonly TestCa[]): string {
  return cas.map(({ pem }) => pem).join('');
}

let versions = 0;

/**
 * Replaces everything in a volume at once: the files go to a new directory, `..data` is made to point there by one rename,
 * names that are new get links through `..data`, and the former directory goes.
 */
export async function writeAtomically(volume: string, files: Files, mode = 0o440): Promise<void> {
  const former = await readlink(join(volume, '..data')).catch(() => undefined);
  const version = `..2026_11_23_00_00_00.${++versions}`;
  await mkdir(join(volume, version), { mode: 0o755 });
  for (const [name, content] of Object.entries(files)) await writeInPlace(join(volume, version, name), content, mode);
  await symlink(version, join(volume, '..data_tmp'));
  await rename(join(volume, '..data_tmp'), join(volume, '..data'));
  const links = (await readdir(volume)).filter((name) => !name.startsWith('..'));
  for (const name of Object.keys(files).filter((one) => !links.includes(one)))
    await symlink(join('..data', name), join(volume, name));
  for (const name of links.filter((one) => !(one in files))) await rm(join(volume, name));
  if (former !== undefined) await rm(join(volume, former), { recursive: true });
}

/** Writes a file as Go's `os.WriteFile` does: empties what is there, then writes; the mode is that of its creation. */
export async function writeInPlace(path: string, content: string, mode = 0o600): Promise<void> {
  const handle = await open(path, 'w', mode);
  try {
    await handle.writeFile(content);
  } finally {
    await handle.close();
  }
  if (mode !== 0o600) await chmod(path, mode);
}

/** Writes files one after another, stopping before the file named `until`: a producer that is in the middle of it. */
export async function writeOneByOne(directory: string, files: Files, until?: string): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    if (name === until) return;
    await writeInPlace(join(directory, name), content);
  }
}
