/**
 * Pages of the reference, as Markdown, from what API Extractor read.
 */
import { type Comment, type LinkOf, parseComment } from './comment.ts';
import type { ApiItem } from './extract.ts';
import type { Page } from './pages.ts';

/** What is rendered. */
export interface Rendering {
  readonly packageName: string;
  readonly pages: readonly Page[];
  readonly exports: readonly ApiItem[];
  /** Examples by the export's name. */
  readonly examples: ReadonlyMap<string, readonly string[]>;
}

/** Text of each file by its name. */
export function renderPages(rendering: Rendering): ReadonlyMap<string, string> {
  const { pages, exports, examples } = rendering;
  const pageOf = new Map(exports.map((item) => [nameOf(item), pages.find((page) => isOn(page, item))?.name]));
  const files = pages.map((page): [string, string] => {
    const items = ordered(exports, page);
    return [`${page.name}.md`, renderPage(page, items, { linkOf: linksFrom(page.name, pageOf), examples })];
  });
  return new Map([['README.md', renderIndex(rendering)], ...files]);
}

/** Exports that no page has. */
export function findHomeless({ pages, exports }: Rendering): readonly string[] {
  return exports
    .filter((item) => !pages.some((page) => isOn(page, item)))
    .map((item) => `${nameOf(item)} of ${moduleOf(item)}`);
}

function renderIndex({ packageName, pages, exports }: Rendering): string {
  const sections = pages.map((page) => {
    const names = ordered(exports, page).filter(({ kind }) => kind === 'Function' || kind === 'Class');
    const links = [...new Set(names.map((item) => `[\`${nameOf(item)}\`](${page.name}.md#${anchorOf(nameOf(item))})`))];
    return `## [${page.title}](${page.name}.md)\n\n${page.intro}\n\n${links.join(', ')}\n`;
  });
  return `# Reference of ${packageName}

${MADE}

${sections.join('\n')}`;
}

const MADE = 'Made from the TSDoc in the sources by `npm run generate`; `npm run check` proves that it is current.';

interface Context extends Pick<Rendering, 'examples'> {
  readonly linkOf: LinkOf;
}

function renderPage(page: Page, items: readonly ApiItem[], context: Context): string {
  const names = [...new Set(items.map(nameOf))];
  const sections = names.map((name) => {
    const [first, ...overloads] = items.filter((item) => nameOf(item) === name);
    return first === undefined ? '' : renderExport([first, ...overloads], context);
  });
  return `# ${page.title}\n\n${page.intro} ${MADE}\n\n${sections.join('\n')}`;
}

function renderExport(overloads: readonly [ApiItem, ...ApiItem[]], { linkOf, examples }: Context): string {
  const [first] = overloads;
  const comment = parseComment(overloads.find(({ docComment }) => docComment !== '')?.docComment ?? '', linkOf);
  const members = first.members ?? [];
  const declarations = overloads.map((item) => `${declarationOf(item)}${members.length > 0 ? ' { … }' : ''}`);
  return [
    `## ${nameOf(first)}`,
    fenced(declarations.join('\n')),
    comment.text,
    ...details(comment),
    ...(members.length > 0 ? [members.map((member) => renderMember(member, linkOf)).join('\n')] : []),
    ...(examples.get(nameOf(first)) ?? []).map((code) => `**Example**\n\n${fenced(code)}`),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

function renderMember(member: ApiItem, linkOf: LinkOf): string {
  const comment = parseComment(member.docComment, linkOf);
  const text = [comment.text, ...details(comment), ...comment.examples.map(fenced)].join('\n\n').trim();
  const declaration = declarationOf(member);
  const [head, ...rest] = declaration.split('\n');
  const code = rest.length === 0 ? `\`${head}\`` : `\n\n${fenced(declaration)}\n\n`;
  return `- ${`${code} ${text}`.trim().replace(/\n(?=.)/g, '\n  ')}`;
}

function details(comment: Comment): string[] {
  return [
    ...comment.parameters.map((text) => `- ${text}`),
    ...comment.returns.map((text) => `**Returns** ${text}`),
    ...comment.throws.map((text) => `**Throws** ${text}`),
  ];
}

function declarationOf({ excerptTokens }: ApiItem): string {
  const text = excerptTokens.map((token) => token.text).join('');
  return text
    .replace(/^export (declare )?/, '')
    .replace(/;$/, '')
    .trim();
}

function ordered(exports: readonly ApiItem[], page: Page): readonly ApiItem[] {
  return page.modules.flatMap((module) => {
    const items = exports.filter((item) => moduleOf(item) === module);
    return [...items.filter(isCallable), ...items.filter((item) => !isCallable(item))];
  });
}

function isCallable({ kind }: ApiItem): boolean {
  return kind === 'Function' || kind === 'Class';
}

function isOn(page: Page, item: ApiItem): boolean {
  return page.modules.includes(moduleOf(item));
}

function moduleOf({ fileUrlPath = '' }: ApiItem): string {
  return fileUrlPath.replace(/^dist\//, '').replace(/\.d\.ts$/, '');
}

function nameOf({ name = '' }: ApiItem): string {
  return name;
}

function linksFrom(own: string, pageOf: ReadonlyMap<string, string | undefined>): LinkOf {
  return (name) => {
    const page = pageOf.get(name);
    if (page === undefined) return undefined;
    return `${page === own ? '' : `${page}.md`}#${anchorOf(name)}`;
  };
}

/** As GitHub makes it of a heading. */
function anchorOf(name: string): string {
  return name.toLowerCase();
}

function fenced(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\``;
}
