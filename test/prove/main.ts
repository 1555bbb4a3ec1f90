/** The program behind `npm run prove`. Exit code: 0 when everything was shown, 1 when something was not, 2 when it could not be tried. */
import { spireFromEnv } from '@countersign/local-stack';
import { propertyOf } from './experiment.ts';
import { experiments } from './experiments.ts';
import { isChosen, parseCommandLine, USAGE } from './options.ts';
import { prove } from './run.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());

process.exitCode = await main();
// An experiment that was under way may still wait for something.
if (stopping.signal.aborted) process.exit();
// The channel to the script that started us would keep this process alive.
if (process.connected) process.disconnect();

async function main(): Promise<number> {
  try {
    const { only, effort, reportFolder } = parseCommandLine(process.argv.slice(2), process.env);
    const chosen = experiments.filter((experiment) => isChosen(only, experiment.id, propertyOf(experiment)));
    const spire = spireFromEnv(process.env);
    const { signal } = stopping;
    const proven = await prove({
      ...{ experiments: chosen, effort, reportFolder, spire, signal },
      env: process.env,
      print: console.log,
    });
    return proven ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    if (error instanceof TypeError) console.error(USAGE);
    return 2;
  }
}
