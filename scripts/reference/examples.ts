/**
 * The `@example` of each export, as it stands in the source: API Extractor joins the spaces of code that is not fenced.
 */
import { readFileSync } from 'node:fs';

/** One example. */
export interface Example {
  /** The export it belongs to; `Class.member` for a member's. */
  readonly name: string;
  readonly code: string;
}

const COMMENT = /\/\*\*((?:(?!\*\/)[\s\S])*?@example\b(?:(?!\*\/)[\s\S])*)\*\/\s*(export )?([^\n]*)/g;
const DECLARED = /(?:async )?(?:function|class|interface|const|type) (\w+)/;

/** Finds them all in one source file. */
export function findExamples(path: string): readonly Example[] {
  return [...readFileSync(path, 'utf8').matchAll(COMMENT)].flatMap(([, comment = '', exported, declaration = '']) => {
    const name = exported === undefined ? declaration.trim() : DECLARED.exec(declaration)?.[1];
    return codeOf(comment).map((code) => ({ name: name ?? declaration.trim(), code }));
  });
}

function codeOf(comment: string): readonly string[] {
  const text = comment.replace(/^[ \t]*\* ?/gm, '').trim();
  const [, ...blocks] = text.split(/^@example\b/m);
  return blocks.map((block) =>
    block
      .split(/^@\w/m, 1)
      .join('')
      .trim()
      .replace(/^```\w*\n|\n```$/g, ''),
  );
}
