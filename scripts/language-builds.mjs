/**
 * Builds our programs around the SPIFFE libraries of Rust, Java and Python, and programs that are Python packages, from their
 * folders under `test`, outside the checkout: each `check` throws an error that says what is missing, each `build` leaves a
 * program that can be run. Plain JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inCopyOf } from './pins.mjs';

/** By the tool that builds. */
export const BUILDERS = {
  cargo: {
    builder: 'Cargo',
    check: needs('cargo', ['--version'], /^cargo (\d+)\.(\d+)/, [1, 88], 'Rust (https://rustup.rs)'),
    build: buildWithCargo,
  },
  maven: {
    builder: 'Maven',
    check: (name, tool, env) => {
      needs('javac', ['--version'], /^javac (\d+)/, [17], 'a JDK')(name, tool, env);
      needs('mvn', ['--version'], /Apache Maven (\d+)\.(\d+)/, [3, 6], 'Maven')(name, tool, env);
    },
    build: buildWithMaven,
  },
  venv: {
    builder: 'pip',
    check: needs('python3', ['--version'], /^Python (\d+)\.(\d+)/, [3, 10], 'Python with venv'),
    build: buildVenv,
  },
};

function needs(command, args, pattern, least, what) {
  return (name, _tool, env) => {
    const { stdout } = spawnSync(command, args, { encoding: 'utf8', env, cwd: tmpdir() });
    const found = pattern.exec(stdout ?? '')?.slice(1);
    const wanted = `${name}: needs ${what}, ${least.join('.')} or newer, to be built`;
    if (found === undefined) throw new Error(`${wanted}; ${command} is not installed`);
    const [difference] = least.map((part, index) => Number(found[index]) - part).filter((it) => it !== 0);
    if (difference < 0) throw new Error(`${wanted}; this is ${found.join('.')}`);
  };
}

function buildWithCargo(program, { module }, env) {
  inCopyOf(module, (cwd) => {
    run('cargo', ['build', '--release', '--locked'], { cwd, env: { ...env, CARGO_TARGET_DIR: join(cwd, 'target') } });
    put(program, (fresh) => copyFileSync(join(cwd, 'target', 'release', 'interop'), fresh));
  });
}

function buildWithMaven(program, { module }, env) {
  inCopyOf(module, (cwd) => {
    run('mvn', ['-q', '-B', '-ntp', 'package'], { cwd, env });
    const jars = join(dirname(program), 'jars');
    rmSync(jars, { recursive: true, force: true });
    cpSync(join(cwd, 'target', 'jars'), jars, { recursive: true });
    // A compiler that optimizes little: the program lives for a second.
    const java = `exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '${jars}/*' interop.Interop "$@"`;
    put(program, (fresh) => writeFileSync(fresh, `#!/bin/sh\n${java}\n`));
  });
}

/** @param tool with a `command`: one that a package in the venv brings; without, our `interop.py` */
function buildVenv(program, { module, command }, env) {
  inCopyOf(module, (cwd) => {
    const folder = dirname(program);
    const venv = join(folder, 'venv');
    rmSync(venv, { recursive: true, force: true });
    run('python3', ['-m', 'venv', venv], { cwd, env });
    const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--only-binary', ':all:'];
    run(join(venv, 'bin', 'python'), [...pip, '--require-hashes', '-r', 'requirements.txt'], { cwd, env });
    if (command === undefined) copyFileSync(join(cwd, 'interop.py'), join(folder, 'interop.py'));
    const start = command === undefined ? `'${venv}/bin/python' '${folder}/interop.py'` : `'${venv}/bin/${command}'`;
    put(program, (fresh) => writeFileSync(fresh, `#!/bin/sh\nexec ${start} "$@"\n`));
  });
}

/** Renamed into place when whole. */
function put(program, write) {
  const fresh = `${program}.${process.pid}.new`;
  mkdirSync(dirname(program), { recursive: true });
  write(fresh);
  chmodSync(fresh, 0o755);
  renameSync(fresh, program);
}

function run(command, args, options) {
  const { status, signal } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status ?? signal}, see above`);
}
