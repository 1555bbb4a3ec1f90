/**
 * Asks an agent who somebody is: by a process of that user and group, running the program that a test says.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What the process said, and how it ended. */
export interface Answer {
  readonly code: number | null;
  readonly said: string;
}

/** Who asks. */
export interface Asking {
  readonly uid: number;
  readonly gid: number;
  /** The Node that it runs; the one of this process by default. */
  readonly node?: string;
}

/** @param socket the agent's Workload API */
export function fetchIdentityAs(socket: string, { uid, gid, node = process.execPath }: Asking): Promise<Answer> {
  const program = fileURLToPath(new URL('./fetch-identity.ts', import.meta.url));
  const child = spawn(node, [program, socket], { uid, gid, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, said: said.trim() }));
  });
}
