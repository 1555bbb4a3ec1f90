/**
 * The outermost frame of every process: `--help`, configuration, a failed start as a line of the log, the exit code.
 */
import { createLogger } from '@countersign/telemetry';
import { asksForHelp, type Config, describeSettings, loadConfigs, type Settings } from './config.ts';
import { ConfigError } from './config-error.ts';

/** A program in the frame. */
export interface FramedProgram<A extends Settings, B extends Settings> {
  readonly name: string;
  /** Those that it has in common with others, and its own. */
  readonly settings: readonly [common: A, own: B];
  /** Finds problems between settings of the first group; what could not be read is `undefined` there. */
  readonly check?: (config: Partial<Config<A>>) => readonly string[];
  /** Serves until the process is told to stop. */
  serve(configs: [common: Config<A>, own: Config<B>]): Promise<void>;
}

/** Runs a program, then ends the process: 0 after an orderly end, 1 when it could not start. */
export async function runProcess<A extends Settings, B extends Settings>(
  { name, settings: [common, own], check, serve }: FramedProgram<A, B>,
  host: NodeJS.Process,
): Promise<void> {
  const args = host.argv.slice(2);
  if (asksForHelp(args)) {
    host.stdout.write(describeSettings(name, { ...common, ...own }));
    return;
  }
  try {
    await serve(loadConfigs(common, own, { env: host.env, args, ...(check === undefined ? {} : { check }) }));
    host.exit(0);
  } catch (error) {
    reportFailedStart(name, error);
    host.exit(1);
  }
}

/** One JSON line, as everything else; a bug also shows its stack. */
function reportFailedStart(service: string, error: unknown): void {
  const logger = createLogger({ service });
  if (error instanceof ConfigError)
    logger.fatal({ event: 'failed', code: error.code, problems: error.problems, message: error.message });
  else logger.fatal({ event: 'failed', err: error, message: error instanceof Error ? error.message : String(error) });
}
