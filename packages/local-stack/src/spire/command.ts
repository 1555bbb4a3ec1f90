/**
 * `spire-server` as a command: how a server is asked and told anything from this machine. Only root can reach its socket.
 */
import { execFile } from 'node:child_process';
import { LocalStackError } from '../errors.ts';

/** Runs `spire-server <args> -socketPath <its socket>` and gives what it printed. */
export type SpireCommand = (args: readonly string[], input?: string) => Promise<string>;

const commandTimeoutMs = 15_000;

/**
 * Makes the command for one server.
 * @param program path of `spire-server`
 * @param socket its private API
 */
export function createSpireCommand(program: string, socket: string): SpireCommand {
  return (args, input = '') =>
    new Promise((resolve, reject) => {
      const options = { timeout: commandTimeoutMs, maxBuffer: 8 * 1024 * 1024, encoding: 'utf8' as const };
      const child = execFile(program, [...args, '-socketPath', socket], options, (cause, stdout, stderr) => {
        if (cause === null) resolve(stdout);
        else {
          const said = (stderr || stdout || cause.message).trim().slice(-500);
          const what = args.slice(0, 3).join(' ');
          reject(new LocalStackError('SPIRE_FAILED', `spire-server ${what}: ${said}`, { cause }));
        }
      });
      // A command that reads nothing closes its input early.
      child.stdin?.on('error', () => {});
      child.stdin?.end(input);
    });
}
