/**
 * TypeScript in the documents and in the `@example`s of the two published packages, made into modules that a compiler can read.
 */
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as devTrustDomain from '@countersign/dev-trust-domain';
import * as spiffeTls from '@countersign/spiffe-tls';
import { findExamples } from '../../scripts/reference/examples.ts';

/** The root of the checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A piece of TypeScript that users read. */
export interface Snippet {
  /** Where it stands. */
  readonly origin: string;
  /** The heading above it, or the export it belongs to. */
  readonly title: string;
  readonly code: string;
}

const DOCUMENTS = ['README.md', 'packages/*/README.md', 'docs/guides/*.md', 'docs/reference/*.md'];
const SOURCES = ['packages/{spiffe-tls,dev-trust-domain}/src/*.ts'];
const EXPORTS = { '@countersign/spiffe-tls': spiffeTls, '@countersign/dev-trust-domain': devTrustDomain };

/** Every block marked `ts` of the documents that are written by hand. */
export function findSnippets(): readonly Snippet[] {
  return globSync(DOCUMENTS, { cwd: root }).flatMap(snippetsOf);
}

/** Every `@example`. */
export function findSourceExamples(): readonly Snippet[] {
  const files = globSync(SOURCES, { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
  return files.flatMap((file) =>
    findExamples(join(root, file)).map(({ name, code }) => ({ origin: file, title: name, code })),
  );
}

/** Names that a snippet of a document uses come from its own imports, or from those of the snippets above it. */
export function snippetsOf(document: string): readonly Snippet[] {
  const text = readFileSync(join(root, document), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => {
    const above = text.slice(0, match.index);
    const title = [...above.matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '';
    return { origin: `${document}:${above.split('\n').length + 1}`, title, code: match[1] ?? '' };
  });
}

/** A module that holds the snippet in a function; names that it neither imports nor declares are those of prelude.d.ts. */
function toModule({ origin, title, code }: Snippet): string {
  const imports = [...code.matchAll(/^import [\s\S]*?;$/gm)].map(([text]) => text);
  const body = imports.reduce((rest, text) => rest.replace(text, ''), code);
  const bound = (name: string) =>
    imports.some((text) => hasWord(text, name)) || new RegExp(`(const|function|class) ${name}\\b`).test(body);
  const added = Object.entries(EXPORTS).map(([specifier, exported]) => {
    const names = Object.keys(exported).filter((name) => hasWord(body, name) && !bound(name));
    return names.length === 0 ? '' : `import { ${names.join(', ')} } from '${specifier}';`;
  });
  const head = [...imports, ...added].filter((line) => line !== '');
  return `// ${origin}: ${title}\n${head.join('\n')}\nexport async function snippet() {\n${body.trim()}\n}\n`;
}

/** Writes each as a module of a project, `snippet-0.ts` and so on, with the prelude. */
export function writeModules(folder: string, snippets: readonly Snippet[]): void {
  mkdirSync(folder, { recursive: true });
  cpSync(join(root, 'test/documents/prelude.d.ts'), join(folder, 'prelude.d.ts'));
  for (const [index, snippet] of snippets.entries()) {
    writeFileSync(join(folder, `snippet-${index}.ts`), toModule(snippet));
  }
}

function hasWord(text: string, word: string): boolean {
  return new RegExp(`\\b${word}\\b`).test(text);
}
