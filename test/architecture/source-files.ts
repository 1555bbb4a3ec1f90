/**
 * The checkout as the rules see it: tracked (or new) files, their imports, and which workspace each belongs to.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The root of the checkout, with a trailing slash. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** Path from the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every file that git tracks or would track. */
export function listFiles(): string[] {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], options);
  return output.split('\n').filter((path) => path !== '' && existsSync(root + path));
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
