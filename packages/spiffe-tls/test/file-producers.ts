/**
 * Writers of identity files that work as the real producers do: Kubernetes' atomic writer, which csi-driver-spiffe and
 * Secret volumes use, and spiffe-helper, which writes one file after another in place. Only tests import it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type IssuedSvid, type TestCa, writeInPlace } from '@countersign/testkit';

export { writeAtomically, writeInPlace } from '@countersign/testkit';

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

/** Writes files one after another, stopping before the file named `until`: a producer that is in the middle of it. */
export async function writeOneByOne(directory: string, files: Files, until?: string): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    if (name === until) return;
    await writeInPlace(join(directory, name), content);
  }
}
