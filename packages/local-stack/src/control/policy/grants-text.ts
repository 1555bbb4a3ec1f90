/**
 * Grants as somebody typed them: JSON, with a line and a column for whatever is wrong. `JSON.parse`, which the services use,
 * gives a position for some mistakes only, and takes the last of two equal names without a word.
 */
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { messageOf } from '../../errors.ts';
import type { PolicyProblem } from '../stack-control.ts';
import { below, namesOf } from './json-pointer.ts';

/** The most that is looked at; what the services take from a folder is far more. */
export const MAX_POLICY_BYTES = 256 * 1024;

/** A text that is JSON. */
export interface ParsedText {
  readonly value: unknown;
  /** A problem at the place of a JSON pointer. */
  problem(at: string, message: string): PolicyProblem;
}

/** The parsed text, or why it is none. */
export type TextFound = { readonly parsed: ParsedText } | { readonly problems: readonly PolicyProblem[] };

/** Reads the text as the services will, strictly. */
export function parseGrantsText(text: string): TextFound {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_POLICY_BYTES)
    return { problems: [{ at: '', message: `at most ${MAX_POLICY_BYTES} bytes, got ${bytes}` }] };
  const errors: ParseError[] = [];
  const tree = treeOf(text, errors);
  const [error] = errors;
  // Those after the first mostly follow from it.
  if (error !== undefined) return { problems: [{ ...position(text, error.offset), ...describe(error) }] };
  const value = parsedValue(text);
  if (tree === undefined || 'why' in value)
    return { problems: [{ at: '', message: 'why' in value ? value.why : 'nested too deep' }] };
  const twice = namesGivenTwice(tree, '');
  if (twice.length > 0)
    return {
      problems: twice.map(({ at, node, name }) => ({
        at,
        ...position(text, node.offset),
        message: `the name ${JSON.stringify(name)} is given twice here: the first would not count`,
      })),
    };
  const problem = (at: string, message: string) => ({ at, ...positionOf(text, tree, at), message });
  return { parsed: { value: value.value, problem } };
}

function treeOf(text: string, errors: ParseError[]): Node | undefined {
  try {
    return parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  } catch (error) {
    // It calls itself for each level.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The services' own parser has the last word. */
function parsedValue(text: string): { readonly value: unknown } | { readonly why: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { why: messageOf(error) };
  }
}

const said: Readonly<Partial<Record<ReturnType<typeof printParseErrorCode>, string>>> = {
  InvalidSymbol: 'this is no JSON',
  InvalidNumberFormat: 'this is no number',
  PropertyNameExpected: 'a name in double quotes must come here',
  ValueExpected: 'a value must come here',
  ColonExpected: 'a colon must come here',
  CommaExpected: 'a comma must come before this',
  CloseBraceExpected: 'a closing brace } is missing',
  CloseBracketExpected: 'a closing bracket ] is missing',
  EndOfFileExpected: 'nothing may follow the closing brace',
  InvalidCommentToken: 'JSON has no comments',
  UnexpectedEndOfString: 'a closing quote is missing',
  InvalidEscapeCharacter: 'no character is written so',
  InvalidUnicode: 'no character is written so',
  InvalidCharacter: 'this character must be escaped',
};

function describe({ error }: { readonly error: ParseErrorCode }): Pick<PolicyProblem, 'at' | 'message'> {
  const name = printParseErrorCode(error);
  return { at: '', message: said[name] ?? name };
}

/** Keys of objects that stand in an object before. */
function namesGivenTwice(
  node: Node,
  at: string,
): { readonly at: string; readonly node: Node; readonly name: string }[] {
  const seen = new Set<string>();
  return (node.children ?? []).flatMap((child, index) => {
    if (child.type !== 'property') return namesGivenTwice(child, below(at, String(index)));
    const [key, value] = child.children ?? [];
    const name = String(key === undefined ? '' : getNodeValue(key));
    const here = below(at, name);
    const found = seen.has(name) && key !== undefined ? [{ at: here, node: key, name }] : [];
    seen.add(name);
    return [...found, ...(value === undefined ? [] : namesGivenTwice(value, here))];
  });
}

function positionOf(text: string, tree: Node, at: string): { line?: number; column?: number } {
  const names = namesOf(at);
  const node = findNodeAtLocation(tree, names);
  if (node === undefined || names.length === 0) return {};
  // Of a property its name, which is what one looks for.
  const place = node.parent?.type === 'property' ? node.parent : node;
  return position(text, place.offset);
}

/** 1-based; columns count UTF-16 units, as editors do. */
function position(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
