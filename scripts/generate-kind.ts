/**
 * Writes what identities.json decides about the cluster: ServiceAccounts, NetworkPolicies, settings, PostgreSQL's files, and the
 * identities that SPIRE issues. `--check` writes nothing and fails with each file that is not current.
 * `--root FOLDER` has another folder stand for the repository.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadIdentities } from '../packages/identities/src/index.ts';
import { GENERATED_FOLDERS, generatedFiles } from './kind/generated-files.ts';

const { values: flags } = parseArgs({ options: { check: { type: 'boolean' }, root: { type: 'string' } } });
const root = flags.root ?? fileURLToPath(new URL('../', import.meta.url));

try {
  const files = generatedFiles(loadIdentities(join(root, 'identities.json')));
  const leftOver = GENERATED_FOLDERS.flatMap(filesBelow).filter((path) => !files.has(path));
  if (flags.check === true) check(files, leftOver);
  else write(files, leftOver);
} catch (error) {
  console.error(`kind: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

function write(files: ReadonlyMap<string, string>, leftOver: readonly string[]): void {
  for (const path of leftOver) rmSync(join(root, path));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  console.log(`kind: wrote ${files.size} files`);
}

function check(files: ReadonlyMap<string, string>, leftOver: readonly string[]): void {
  const differing = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  for (const path of differing) console.error(`kind: ${path} is not what identities.json says; run npm run generate`);
  for (const path of leftOver) console.error(`kind: ${path} is no longer generated; run npm run generate`);
  if (differing.length + leftOver.length > 0) process.exitCode = 1;
}

function read(path: string): string | undefined {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;
}

/** Paths from the root. */
function filesBelow(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(root, '/').length));
}
