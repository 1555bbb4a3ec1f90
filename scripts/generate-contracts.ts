/**
 * Generates the TypeScript of every protobuf module, and checks it: `node scripts/generate-contracts.ts [--check]`.
 * With `--check` nothing is written: lint, no change that breaks a peer built from the committed descriptor
 * (`contracts.binpb`), and generated code and descriptor equal to what the sources give. After a deliberate breaking
 * change: `--accept-breaking`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const MODULES = ['packages/contracts', 'packages/spiffe-tls'];
const DESCRIPTOR = 'contracts.binpb';

const check = process.argv.includes('--check');
const acceptBreaking = process.argv.includes('--accept-breaking');
const problems = MODULES.flatMap((module) => (check ? checkModule(join(root, module)) : generate(join(root, module))));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

function generate(folder: string): string[] {
  const problems = [...lint(folder), ...(acceptBreaking ? [] : breaking(folder))];
  if (problems.length > 0) return problems;
  build(folder, folder);
  return [];
}

function checkModule(folder: string): string[] {
  const fresh = mkdtempSync(join(tmpdir(), 'contracts-'));
  try {
    build(folder, fresh);
    return [...lint(folder), ...breaking(folder), ...stale(folder, fresh)];
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function build(folder: string, out: string): void {
  rmSync(join(out, 'src/gen'), { recursive: true, force: true });
  buf(folder, ['generate', '--output', out]);
  buf(folder, ['build', '--output', join(out, DESCRIPTOR)]);
}

function lint(folder: string): string[] {
  return complaints(folder, ['lint']);
}

function breaking(folder: string): string[] {
  return existsSync(join(folder, DESCRIPTOR)) ? complaints(folder, ['breaking', '--against', DESCRIPTOR]) : [];
}

/** Generated files that differ from, or are missing on, either side. */
function stale(folder: string, fresh: string): string[] {
  const list = (base: string) =>
    readdirSync(join(base, 'src/gen'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const names = new Set([...list(folder), ...list(fresh)].map((name) => join('src/gen', name)));
  const read = (path: string) => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));
  return [...names, DESCRIPTOR]
    .filter((name) => !read(join(folder, name)).equals(read(join(fresh, name))))
    .map((name) => `${join(folder, name)} is stale: run npm run generate`);
}

function complaints(folder: string, args: string[]): string[] {
  try {
    buf(folder, args);
    return [];
  } catch (error) {
    const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    return [`${folder}: buf ${args.join(' ')}\n${output}`];
  }
}

/** Runs the platform's binary itself: the `buf` command on the path is put there by an install script, which may be off. */
function buf(cwd: string, args: string[]): void {
  const name = `@bufbuild/buf-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}/bin/buf`;
  const PATH = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  execFileSync(createRequire(import.meta.url).resolve(name), args, {
    cwd,
    env: { ...process.env, PATH },
    stdio: 'pipe',
  });
}
