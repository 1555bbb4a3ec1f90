/**
 * Configuration from environment variables and flags. Each setting has one name in both: `HTTP_ADDRESS` is
 * `--http-address`. A flag wins over the environment. Whatever is wrong stops the start, and all of it is said at once.
 */
import { parseArgs } from 'node:util';
import { ConfigError } from './config-error.ts';

/** One setting. */
export interface Setting<T> {
  /** Environment variable, `HTTP_ADDRESS`. */
  readonly variable: string;
  /** What it is for, in one line of `--help`. */
  readonly describes: string;
  /** Text to parse when it is not given. Without one the setting is required. */
  readonly fallback?: string;
  /** Reads the text, or throws an error whose message says what the value must be. */
  readonly parse: (text: string) => T;
}

/** A program's settings by the name that the code uses. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The values of {@link Settings}. */
export type Config<S extends Settings> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/** Where values come from: `process` fits. */
export interface ConfigInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Arguments after the program's name. */
  readonly args: readonly string[];
}

/**
 * Reads all settings.
 * @throws {ConfigError} `CONFIG_INVALID` with every problem: unknown flags, missing and invalid values.
 */
export function loadConfig<S extends Settings>(settings: S, input: ConfigInput): Config<S> {
  return loadConfigs({}, settings, input)[1];
}

/**
 * Reads two groups of settings from one input, so that a frame and the program in it each get their own.
 * @param input.check finds problems between settings of the first group; what could not be read is `undefined` there
 * @throws {ConfigError} as {@link loadConfig}, with the problems of both
 */
export function loadConfigs<A extends Settings, B extends Settings>(
  a: A,
  b: B,
  input: ConfigInput & { readonly check?: (config: Partial<Config<A>>) => readonly string[] },
): [Config<A>, Config<B>] {
  const problems: string[] = [];
  const flags = readFlags({ ...a, ...b }, input.args, problems);
  const text = (setting: Setting<unknown>) =>
    flags[flagOf(setting)] ?? nonEmpty(input.env[setting.variable]) ?? setting.fallback;
  const configs: [Config<A>, Config<B>] = [parseAll(a, text, problems), parseAll(b, text, problems)];
  problems.push(...(input.check?.(configs[0]) ?? []));
  if (problems.length > 0) throw new ConfigError(problems);
  return configs;
}

/** Whether the arguments ask for help. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

/** The text of `--help`. */
export function describeSettings(program: string, settings: Settings): string {
  const rows = Object.values(settings).map((setting) => {
    const fallback = setting.fallback === undefined ? 'required' : `default ${setting.fallback || 'none'}`;
    return `  --${flagOf(setting)}, ${setting.variable}\n      ${setting.describes} (${fallback})`;
  });
  return `${program}: settings, as flags or environment variables\n\n${rows.join('\n')}\n`;
}

function readFlags(
  settings: Settings,
  args: readonly string[],
  problems: string[],
): Record<string, string | undefined> {
  const names = new Set(Object.values(settings).map(flagOf));
  const options = Object.fromEntries([...names].map((name) => [name, { type: 'string' as const }]));
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true, allowPositionals: true });
  const flags: Record<string, string | undefined> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') problems.push(`${quoted(token.value)} is not a flag`);
    if (token.kind !== 'option') continue;
    if (!names.has(token.name)) problems.push(`${token.rawName} is not a setting of this program; see --help`);
    else if (token.value === undefined) problems.push(`${token.rawName} needs a value`);
    else flags[token.name] = token.value;
  }
  return flags;
}

function parseAll<S extends Settings>(
  settings: S,
  text: (setting: Setting<unknown>) => string | undefined,
  problems: string[],
): Config<S> {
  const entries = Object.entries(settings).map(([name, setting]) => [
    name,
    parseSetting(setting, text(setting), problems),
  ]);
  return Object.fromEntries(entries);
}

function parseSetting(setting: Setting<unknown>, text: string | undefined, problems: string[]): unknown {
  if (text === undefined) {
    problems.push(`${setting.variable} is required: ${setting.describes}`);
    return undefined;
  }
  try {
    return setting.parse(text);
  } catch (error) {
    const rule = error instanceof Error ? error.message : String(error);
    problems.push(`${setting.variable} ${rule}${rule.includes(', got ') ? '' : `, got ${quoted(text)}`}`);
    return undefined;
  }
}

/** `HTTP_ADDRESS` -> `http-address`. */
function flagOf(setting: Setting<unknown>): string {
  return setting.variable.toLowerCase().replaceAll('_', '-');
}

/** An empty variable means "not set": compose files and manifests can't unset one. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
