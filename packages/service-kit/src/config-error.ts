/** The error of a configuration that can't be used. */

/** Why a process refuses to start. */
export type ConfigErrorCode =
  // A comment keeps the union one code a line, as the registry of errors reads it.
  'CONFIG_INVALID';

/** Every problem of a configuration at once: somebody who fixes one should not meet the next only then. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code: ConfigErrorCode = 'CONFIG_INVALID';
  /** One sentence a problem, each beginning with the variable's name. */
  readonly problems: readonly string[];

  /** @param problems at least one, without secrets: values are quoted in what people read */
  constructor(problems: readonly string[]) {
    super(`configuration: ${problems.join('; ')}`);
    this.problems = problems;
  }
}
