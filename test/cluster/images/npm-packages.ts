/** npm as npm publishes it: the machine's own may be configured for the machine, and that would be in the image. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Fetches a package without installing what it needs, which npm has inside. @returns its folder, in the cache */
export function unpackNpmPackage(spec: string, cache: string): string {
  const folder = join(cache, spec);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}.new`;
  try {
    mkdirSync(fresh, { recursive: true });
    run('npm', ['pack', '--silent', '--pack-destination', fresh, spec]);
    const [archive = ''] = readdirSync(fresh);
    run('tar', ['-xzf', join(fresh, archive), '-C', fresh]);
    renameSync(join(fresh, 'package'), folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`image: ${command} ${args.join(' ')} ended with ${error?.message ?? status}`);
}
