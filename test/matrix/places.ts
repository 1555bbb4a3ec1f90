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

/** The sources, read once. */
export interface Sources {
  /**
   * Where a code is raised below a folder. Where it is raised more than once, the place whose words the record has.
   * @param words what the record says of the rule
   */
  findCode(folder: string, code: string, words: string): Place | undefined;
  /** Where a text stands in a file. */
  findText(file: string, text: string): Place | undefined;
}

interface Source {
  readonly file: string;
  readonly lines: readonly string[];
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Tests, fixtures and generated code raise nothing, and unions of codes neither. */
const NO_SOURCE = /\.(test|fixture)\.ts$|\/gen\/|_test\.rego$|\/errors\.ts$/;
/** A line that raises: it throws, returns or makes an error of the code. */
const RAISES = /\b(throw|return|refusal|refused|fault|Error)\b|\bcode: |[?:] '|(^|[( ])'[A-Z_]+',?$/;

/** Reads them. */
export function readSources(): Sources {
  const folders = new Map<string, readonly Source[]>();
  const below = (folder: string): readonly Source[] => {
    const known = folders.get(folder) ?? filesBelow(folder).map(readSource);
    folders.set(folder, known);
    return known;
  };
  return {
    findCode(folder, code, words) {
      const quoted = new RegExp(`['"]${code}['"]`);
      const places = below(folder).flatMap(({ file, lines }) =>
        lines.flatMap((text, index) => (quoted.test(text) && RAISES.test(text) ? [{ file, lines, index }] : [])),
      );
      const [best] = places
        .map((place) => ({ ...place, score: scoreOf(statementAt(place.lines, place.index), code, words) }))
        .toSorted((a, b) => b.score - a.score);
      return best && { file: best.file, line: best.index + 1 };
    },
    findText(file, text) {
      const index = readSource(file).lines.findIndex((line) => line.includes(text));
      return index === -1 ? undefined : { file, line: index + 1 };
    },
  };
}

function filesBelow(folder: string): string[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((file) => /\.(ts|rego)$/.test(file) && !NO_SOURCE.test(file))
    .toSorted();
}

function readSource(file: string): Source {
  return { file, lines: readFileSync(`${ROOT}${file}`, 'utf8').split('\n') };
}

/** A rule may be named by a constant a few lines above, and follow on the lines below. */
const ABOVE = 4;
const BELOW = 4;

function statementAt(lines: readonly string[], index: number): string {
  const above = lines
    .slice(Math.max(0, index - ABOVE), index)
    .filter((line) => /\b(rule|message|expected) = /.test(line));
  const end = lines.slice(index, index + BELOW).findIndex((line) => /;\s*$/.test(line));
  return [...above, ...lines.slice(index, index + (end === -1 ? BELOW : end + 1))].join('\n');
}

/** Words of its own that the record has speak for a statement, words that the record lacks against it. */
function scoreOf(statement: string, code: string, words: string): number {
  const texts = [...statement.matchAll(/'([^'\n]+)'|"([^"\n]+)"|`([^`]+)`/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
  const parts = texts.flatMap((text) => text.split(/\$\{[^}]*\}/)).filter((part) => part.length > 5 && part !== code);
  const found = parts.filter((part) => words.includes(part.trim()));
  if (found.length > 0) return found.join('').length;
  return parts.length === 0 ? 0 : -1;
}
