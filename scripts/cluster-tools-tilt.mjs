/**
 * Makes Tilt buildable: its published module lacks the compiled web page, and Tilt ends at once without one. Its sources are
 * copied beside the pins when it is built, with a page that says so; nothing of Tilt's is in this repository.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MODULE = 'github.com/tilt-dev/tilt';
const PAGE = '<!doctype html><title>Tilt</title><p>This build has no page: use the terminal, or a released Tilt.\n';

/** @param cwd a copy of `test/cluster/build/tilt`, whose go.sum the downloaded sources are compared with */
export function prepareTilt(cwd, env) {
  const { Dir } = JSON.parse(run('go', ['mod', 'download', '-json', MODULE], cwd, env));
  run('cp', ['-R', Dir, 'source'], cwd, env);
  // Go keeps what it downloaded read-only.
  run('chmod', ['-R', 'u+w', 'source'], cwd, env);
  writeFileSync(join(cwd, 'source', 'pkg', 'assets', 'build', 'index.html'), PAGE);
  run('go', ['mod', 'edit', `-replace=${MODULE}=./source`], cwd, env);
}

function run(command, args, cwd, env) {
  const options = { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  const { status, signal, stdout } = spawnSync(command, args, options);
  if (status !== 0) throw new Error(`tilt: ${command} ${args.join(' ')} ended with ${status ?? signal}: ${stdout}`);
  return stdout;
}
