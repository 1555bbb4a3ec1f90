/** There is a socket where the address says, and this user may open it. */
import type { Check, SocketKind } from '../facts.ts';

const FOUND: Readonly<Record<Exclude<SocketKind, 'socket'>, readonly [evidence: string, fix: string]>> = {
  missing: [
    'there is nothing',
    'Start the agent (npm start, or SPIRE), or mount its folder: the whole folder, not the socket alone.',
  ],
  'no-socket': [
    'this is no socket',
    'Something else has the path: a folder that was mounted before the agent made its socket?',
  ],
  'not-permitted': ['this user may not open it', 'Run as the workload’s user, or let this user enter the folder.'],
};

/** By what the file system says, before anything is asked. */
export const socket: Check = {
  name: 'socket',
  holds: "the Workload API's socket is there",
  run: ({ endpoints }) =>
    endpoints.flatMap(({ subject, address, socket: kind }) => {
      if (kind === undefined || kind === 'socket') return [];
      const [evidence, fix] = FOUND[kind];
      return [{ status: 'fail', subject, evidence: `${address}: ${evidence}`, fix }];
    }),
};
