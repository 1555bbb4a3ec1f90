/**
 * The checkout as the rules see it: its files, their imports, and which workspace each belongs to.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { matchesGlob } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout, with a trailing slash. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Path from the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every file of the checkout but what `.gitignore` names: a copy without git, or on a machine without it, has the same rules. */
export function listFiles(): string[] {
  const ignored = readFileSync(`${root}.gitignore`, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const isIgnored = (name: string) =>
    name === '.git' || ignored.some((pattern) => matchesGlob(name, pattern.replace(/\/$/, '')));
  const walk = (folder: string): string[] =>
    readdirSync(root + folder, { withFileTypes: true })
      .filter(({ name }) => !isIgnored(name))
      .flatMap((entry) => (entry.isDirectory() ? walk(`${folder}${entry.name}/`) : [folder + entry.name]));
  return walk('');
}

export function readSource(path: string): SourceFile {
  return { path, text: readFileSync(root + path, 'utf8') };
}

/** TypeScript sources under packages/ and services/, generated code left out. */
export function listSources(): SourceFile[] {
  return listFiles()
    .filter((path) => /^(packages|services)\/.*\.ts$/.test(path) && !path.includes('/src/gen/'))
    .map(readSource);
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('packages/testkit/') || path.includes('/test/');
}

/** `packages/authz/src/x.ts` -> `packages/authz`. */
export function workspaceOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/** The module specifiers of a file's static and dynamic imports. */
export function importsOf(file: SourceFile): string[] {
  const found = file.text.matchAll(
    /(?:^|\n)\s*(?:import|export)[^;'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}
