/**
 * Kubernetes' atomic writer, which csi-driver-spiffe and Secret volumes use: everything in a volume changes by one rename.
 */
import { chmod, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

let versions = 0;

/**
 * Replaces everything in a volume at once: the files go to a new directory, `..data` is made to point there by one rename,
 * names that are new get links through `..data`, and the former directory goes.
 */
export async function writeAtomically(
  volume: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  mode = 0o440,
): Promise<void> {
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
export async function writeInPlace(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const handle = await open(path, 'w', mode);
  try {
    await handle.writeFile(content);
  } finally {
    await handle.close();
  }
  if (mode !== 0o600) await chmod(path, mode);
}
