/**
 * What the commands of `npm run trust-domain` share: flags, wrong use, and how answers are shown.
 */
import { parseArgs } from 'node:util';
import type { TrustDomainControl } from './control.ts';
import { DevTrustDomainError } from './errors.ts';

/** What a command is run with. */
export interface CliContext {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: number;
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
}

const OPTIONS = {
  ca: { type: 'boolean' },
  jwt: { type: 'boolean' },
  settle: { type: 'string' },
  'drop-after': { type: 'string' },
  'spiffe-id': { type: 'string' },
  dns: { type: 'string', multiple: true },
  hint: { type: 'string' },
  workload: { type: 'string' },
  method: { type: 'string' },
  code: { type: 'string' },
  details: { type: 'string' },
  delay: { type: 'string' },
  response: { type: 'string' },
  times: { type: 'string' },
  clear: { type: 'boolean' },
  bundle: { type: 'string' },
  'endpoint-url': { type: 'string' },
  profile: { type: 'string' },
  'endpoint-id': { type: 'string' },
  'endpoint-ca': { type: 'string' },
  'federates-with': { type: 'string', multiple: true },
  json: { type: 'boolean' },
  'state-dir': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** The flags given. */
export type Flags = ReturnType<typeof parseCommandLine>['values'];

/** One command. */
export type Command = (control: TrustDomainControl, name: string | undefined, context: CommandContext) => Promise<void>;

/** What a command runs with. */
export interface CommandContext extends CliContext {
  readonly flags: Flags;
}

/** Splits a command line. @throws {DevTrustDomainError} `CONFIGURATION` */
export function parseCommandLine(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (cause) {
    throw usageError(cause instanceof Error ? cause.message : String(cause));
  }
}

/** Wrong use. */
export function usageError(message: string): DevTrustDomainError {
  return new DevTrustDomainError('CONFIGURATION', message);
}

/** The name that a command can't do without. */
export function required(name: string | undefined, word: string, what = 'name of a workload'): string {
  if (name === undefined) throw usageError(`${word} needs the ${what}`);
  return name;
}

/** Prints an answer, as lines or as JSON. */
export function show(context: CommandContext, answer: unknown, format: () => readonly string[]): void {
  if (context.flags.json) context.print(JSON.stringify(answer, undefined, 2));
  else for (const line of format()) context.print(line);
}
