/**
 * Debian's packages, unpacked into a folder: for what an image needs of a distribution and no registry of images is there to
 * ask. Kept in the cache folder by their versions, so that a newer one is a new folder.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Downloads and unpacks packages of the machine's own release; nothing of them is run.
 * @param cache folder for all such
 * @returns the folder with their files
 */
export function unpackDebianPackages(names: readonly string[], cache: string): string {
  const versions = askForVersions(names);
  const hash = createHash('sha256').update(versions.join('\n')).digest('hex').slice(0, 12);
  const folder = join(cache, `debian-${hash}`);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}.new`;
  const archives = `${fresh}.archives`;
  try {
    mkdirSync(archives, { recursive: true });
    run('apt-get', ['download', '-qq', ...names], archives);
    mkdirSync(fresh);
    for (const archive of readdirSync(archives).sort()) run('dpkg-deb', ['-x', archive, fresh], archives);
    renameSync(fresh, folder);
  } finally {
    rmSync(archives, { recursive: true, force: true });
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** File names with versions, sorted. A machine whose package lists were never fetched, or are too old, is asked once more. */
function askForVersions(names: readonly string[]): string[] {
  const ask = () => spawnSync('apt-get', ['download', '-qq', '--print-uris', ...names], { encoding: 'utf8' });
  let answer = ask();
  if (answer.error === undefined && answer.status !== 0) {
    run('apt-get', ['update', '-qq']);
    answer = ask();
  }
  const versions = answer.stdout?.match(/\S+\.deb(?= \d)/g) ?? [];
  if (answer.status !== 0 || versions.length !== names.length)
    throw new Error(
      `image: needs Debian's packages ${names.join(' ')}, got ${answer.error?.message ?? answer.stderr.trim()}`,
    );
  return versions.sort();
}

function run(command: string, args: readonly string[], cwd?: string): void {
  // apt would drop root's rights and then not be allowed to write here.
  const options = command === 'apt-get' ? ['-o', 'APT::Sandbox::User=root', ...args] : args;
  const { status, error } = spawnSync(command, options, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`image: ${command} ${args.join(' ')} ended with ${error?.message ?? status}`);
}
