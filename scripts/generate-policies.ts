/**
 * Generates the policy's data from identities.json and the list of rules from their METADATA, and compiles rules and data to
 * `policies/bundle.tar.gz`.
 * `--check` writes nothing, compiles anew and fails with what differs, file by file of the bundle.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readArchive } from '../packages/authz/src/bundle/bundle-archive.ts';
import { ENTRYPOINT } from '../packages/authz/src/bundle/manifest.ts';
import { parsePolicyBundle } from '../packages/authz/src/bundle/policy-bundle.ts';
import { findOpa } from './opa.mjs';
import { refuseMissingBuiltins } from './policy-builtins.ts';
import { type Annotated, ruleListText } from './policy-rule-list.ts';
import { bundleFile, grantsFile, grantsText, policiesFolder, ruleListFile, sourcesRevision } from './policy-sources.ts';

const check = process.argv.includes('--check');
const grants = grantsText();
const folder = mkdtempSync(join(tmpdir(), 'policy-bundle-'));
try {
  const differences = check ? await compare(folder) : await write(folder);
  for (const difference of differences) console.error(`policies: ${difference}; run npm run generate`);
  if (differences.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(`policies: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function write(to: string): Promise<string[]> {
  writeFileSync(grantsFile, grants);
  const built = await compile(to);
  await parsePolicyBundle(readFileSync(built));
  copyFileSync(built, bundleFile);
  writeFileSync(ruleListFile, ruleList());
  console.log(
    `policies: wrote data/grants/data.json, rule-list.json and bundle.tar.gz, revision ${sourcesRevision(grants)}`,
  );
  return [];
}

/** What is committed and not what would be generated. Contents are compared, so that another gzip makes no difference. */
async function compare(to: string): Promise<string[]> {
  if (readText(grantsFile) !== grants) return ['data/grants/data.json is not what identities.json says'];
  if (readText(ruleListFile) !== ruleList()) return ['rule-list.json is not what the METADATA of the rules says'];
  const committed = readBytes(bundleFile);
  if (committed === undefined) return ['bundle.tar.gz is missing'];
  const [is, should] = [await readArchive(committed), await readArchive(readFileSync(await compile(to)))];
  const names = [...new Set([...is.keys(), ...should.keys()])].sort();
  return names
    .filter((name) => !Buffer.from(is.get(name) ?? []).equals(Buffer.from(should.get(name) ?? [])))
    .map((name) => `bundle.tar.gz: ${name} is not what opa compiles`);
}

function ruleList(): string {
  const inspected = execFileSync(findOpa(), ['inspect', '--annotations', '--format', 'json', 'rules'], {
    cwd: policiesFolder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { annotations }: { annotations: readonly Annotated[] } = JSON.parse(inspected);
  return ruleListText(annotations);
}

/** The path of a bundle made from the rules and the data as they are on disk. */
async function compile(to: string): Promise<string> {
  const output = join(to, 'bundle.tar.gz');
  const names = ['--ignore', '*_test.rego', '--revision', sourcesRevision(grants), '--output', output];
  const args = ['build', '--target', 'wasm', '--entrypoint', ENTRYPOINT, ...names, 'rules', 'data'];
  execFileSync(findOpa(), args, { cwd: policiesFolder, stdio: ['ignore', 'ignore', 'inherit'] });
  await refuseMissingBuiltins(readFileSync(output), to);
  return output;
}

function readText(file: URL): string | undefined {
  return readBytes(file)?.toString('utf8');
}

function readBytes(file: URL): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
