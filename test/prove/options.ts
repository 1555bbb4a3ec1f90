/** The command line of `npm run prove`. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isProperty, type Property } from './experiment.ts';
import type { Effort } from './lab.ts';

/** What it says. */
export interface CommandLine {
  /** Properties, or single experiments such as `G1.2`; all if it is empty. */
  readonly only: readonly string[];
  readonly effort: Effort;
  readonly reportFolder: string;
}

export const USAGE = `usage: npm run prove -- [--only G1,G2.1] [--rotations 20] [--seconds 60] [--report FOLDER] [--provider embedded|spire]`;

/**
 * Reads it.
 * @throws {TypeError} that says what is wrong
 */
export function parseCommandLine(args: readonly string[], env: NodeJS.ProcessEnv): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rotations: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '60' },
      report: { type: 'string' },
    },
  });
  const state = env['COUNTERSIGN_STATE_DIR'] || fileURLToPath(new URL('../../.countersign', import.meta.url));
  return {
    only: values.only.flatMap((names) => names.split(',')).map(experimentName),
    effort: { rotations: wholeNumber('rotations', values.rotations), seconds: wholeNumber('seconds', values.seconds) },
    reportFolder: resolve(values.report ?? `${state}/prove`),
  };
}

function experimentName(name: string): string {
  const [property = ''] = name.split('.');
  if (isProperty(property) && /^G\d(\.\d+)?$/.test(name)) return name;
  throw new TypeError(
    `--only: must be G1 to G4, or an experiment such as G1.2, got ${JSON.stringify(name.slice(0, 40))}`,
  );
}

function wholeNumber(name: string, text: string): number {
  const number = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (number >= 1) return number;
  throw new TypeError(`--${name}: must be a number from 1 to 9999, got ${JSON.stringify(text.slice(0, 40))}`);
}

/** Whether an experiment is among those that were asked for. */
export function isChosen(only: readonly string[], id: string, property: Property): boolean {
  return only.length === 0 || only.includes(id) || only.includes(property);
}
