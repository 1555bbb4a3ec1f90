/**
 * Where in the checkout the code stands that refuses: found by reading the sources for what the server's record says, so that
 * it is true of the sources as they are.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A place, from the root of the checkout; lines count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** The sources, each read once. */
export interface Sources {
  /**
   * Where a code is raised below a folder: by the words of the record where it is raised in several places, and where a helper
   * raises it for many checks, the check.
   * @param words what the record says in sentences
   */
  findCode(folder: string, code: string, words: string): Place | undefined;
  /** The line of a file that has a text. */
  findText(file: string, text: string): Place | undefined;
}

interface Line extends Place {
  readonly text: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Tests, fixtures and generated code refuse nobody, and lists of codes neither. */
const NO_SOURCE = /\.(test|fixture)\.ts$|\/gen\/|_test\.rego$|\/errors\.ts$/;

/** Reads none before it is asked for. */
export function readSources(): Sources {
  const folders = new Map<string, readonly (readonly Line[])[]>();
  const below = (folder: string) => {
    const files = folders.get(folder) ?? filesBelow(folder).map(linesOf);
    folders.set(folder, files);
    return files;
  };
  return {
    findCode(folder, code, words) {
      const quoted = new RegExp(`['"]${code}['"]`);
      const files = below(folder).filter((lines) => lines.some(({ text }) => quoted.test(text)));
      const said = files
        .flatMap((lines) => lines.map((line) => ({ line, score: scoreOf(line.text, code, words), lines })))
        .filter(({ score }) => score > 0)
        .toSorted((a, b) => b.score - a.score)
        .map(({ line, lines }) => ({ line, raised: nearestWith(quoted, lines, line) }));
      const raised = said.find((each) => each.raised !== undefined)?.raised;
      const check = said.find(({ line }) => ENDS.test(line.text))?.line;
      const named = files.flat().filter(({ text }) => quoted.test(text));
      return placeOf(raised ?? check ?? named.find(({ text }) => RAISES.test(text)) ?? named[0]);
    },
    findText: (file, text) => placeOf(linesOf(file).find((line) => line.text.includes(text))),
  };
}

/** What makes an error of a code, or refuses by it. */
const RAISES = /refus|fault\(|Error\(/;
/** What ends a check whose code a helper gives. */
const ENDS = /\b(throw|return)\b/;

function filesBelow(folder: string): string[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((file) => /\.(ts|rego)$/.test(file) && !NO_SOURCE.test(file))
    .toSorted();
}

function linesOf(file: string): Line[] {
  const lines = readFileSync(`${ROOT}${file}`, 'utf8').split('\n');
  return lines.map((text, index) => ({ file, line: index + 1, text }));
}

function placeOf(line: Line | undefined): Place | undefined {
  return line && { file: line.file, line: line.line };
}

/** Code and words of one refusal may be some lines apart. */
const NEAR = 4;

function nearestWith(pattern: RegExp, lines: readonly Line[], { line }: Line): Line | undefined {
  const near = lines.filter((each) => Math.abs(each.line - line) <= NEAR && pattern.test(each.text));
  return near.toSorted((a, b) => Math.abs(a.line - line) - Math.abs(b.line - line))[0];
}

/** Shorter texts stand in many sentences. */
const SHORTEST = 8;

/** Texts of a line, between quotes and around what is inserted, that the words have, less those that they lack. */
function scoreOf(text: string, code: string, words: string): number {
  const quoted = [...text.matchAll(/'([^']+)'|"([^"]+)"|`([^`]+)`/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
  const parts = quoted.flatMap((each) => each.split(/\$\{[^}]*\}?/)).map((part) => part.trim());
  const telling = parts.filter((part) => part.length >= SHORTEST && part !== code);
  return telling.reduce((score, part) => score + (words.includes(part) ? part.length : -part.length), 0);
}
