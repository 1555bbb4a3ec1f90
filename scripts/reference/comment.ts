/**
 * A TSDoc comment as Markdown. Links become links to the page that documents what they name.
 */

/** Where each export is documented, as a relative link. */
export type LinkOf = (name: string) => string | undefined;

/** The parts of a comment, as Markdown. */
export interface Comment {
  readonly text: string;
  readonly parameters: readonly string[];
  readonly returns: readonly string[];
  readonly throws: readonly string[];
  /** Code, unfenced. */
  readonly examples: readonly string[];
}

/** Parses the text of a comment, delimiters included. */
export function parseComment(source: string, linkOf: LinkOf): Comment {
  const text = source
    .replace(/^\s*\/\*\*|\*\/\s*$/g, '')
    .replace(/^[ \t]*\* ?/gm, '')
    .trim();
  const [summary = '', ...blocks] = text.split(/(?:^|\s)(?=@(?:param|returns|throws|example|remarks|defaultValue|see)\b)/m);
  const of = (tag: string) =>
    blocks.filter((block) => block.startsWith(`@${tag}`)).map((block) => block.slice(tag.length + 1).trim());
  const prose = (part: string) => toMarkdown(part, linkOf);
  return {
    text: prose([summary, ...of('remarks'), ...of('see')].join('\n\n')),
    parameters: of('param').map(prose),
    returns: of('returns').map(prose),
    throws: of('throws').map((part) => prose(part.replace(/^\{(\w+)\}/, '{@link $1}'))),
    examples: of('example').map((part) => part.replace(/^```\w*\n|\n```$/g, '')),
  };
}

function toMarkdown(text: string, linkOf: LinkOf): string {
  return text
    .replace(/\{@link ([\w.]+)(?:\s*\|\s*([^}]+))?\}/g, (_, target: string, label: string | undefined) => {
      const link = linkOf(target.split('.')[0] ?? target);
      const shown = label?.trim() ?? `\`${target}\``;
      return link === undefined ? shown : `[${shown}](${link})`;
    })
    .trim();
}
