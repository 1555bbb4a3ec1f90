/** Runs programs that are on PATH: docker, kind, kubectl, helm. */
import { execFile, spawn } from 'node:child_process';
import { LocalStackError, systemErrorCode } from '../errors.ts';

/** Runs a program to its end and gives what it printed. */
export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<string>;

/** A manifest of everything, and the logs of some minutes. */
const maxBuffer = 64 * 1024 * 1024;
const timeoutMs = 120_000;

/**
 * Quietly: for answers that are read.
 * @throws {LocalStackError} `CLUSTER_FAILED` with the program's last words, or that it is not there
 */
export const runProgram: RunProgram = (program, args, input = '') =>
  new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { maxBuffer, timeout: timeoutMs, encoding: 'utf8' },
      (cause, stdout, stderr) => {
        if (cause === null) resolve(stdout);
        else reject(failure(program, args, systemErrorCode(cause) === 'ENOENT' ? undefined : stderr || cause.message));
      },
    );
    // A program that reads nothing closes its input early.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });

/**
 * With its output passed on: for what takes minutes and a person watches.
 * @throws {LocalStackError} `CLUSTER_FAILED`
 */
export function showProgram(program: string, args: readonly string[], cwd?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: ['ignore', 'inherit', 'inherit'], cwd });
    child.on('error', () => reject(failure(program, args, undefined)));
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(failure(program, args, `it ended with ${code ?? signal}, see above`));
    });
  });
}

/** @param said undefined: the program is not there */
function failure(program: string, args: readonly string[], said: string | undefined): LocalStackError {
  const why =
    said === undefined
      ? 'it is not on PATH; npm run kind -- doctor says what is missing'
      : said.trim().split('\n').slice(-3).join('\n').slice(-800);
  return new LocalStackError('CLUSTER_FAILED', `${[program, ...args.slice(0, 4)].join(' ')}: ${why}`);
}
