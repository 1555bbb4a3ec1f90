/** Where the stack's control socket is: beside the trust domain's own, in a folder that only its owner can enter. */
import { join } from 'node:path';
import type { StateDirectory } from '../state-directory.ts';

/** Path of the socket of the system in this state directory; known before anything listens there. */
export function stackControlSocket({ run }: Pick<StateDirectory, 'run'>): string {
  return join(run, 'control', 'stack.sock');
}
