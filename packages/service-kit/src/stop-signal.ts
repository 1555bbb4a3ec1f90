/** When a process should end: told by a signal, or because the parent that started it has gone. */

/** What is used of `process`. */
export type ProcessEvents = Pick<NodeJS.Process, 'once' | 'connected'> & { readonly stdin: NodeJS.ReadStream };

/**
 * Resolves with the reason: `SIGTERM`, `SIGINT` or `parent gone`. A parent is watched through its IPC channel if there is
 * one, and through standard input if it says so: both close however the parent ends, where a signal may never be sent.
 */
export function whenAskedToStop(host: ProcessEvents, parentPipe: 'none' | 'stdin'): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) host.once(signal, () => resolve(signal));
    if (host.connected) host.once('disconnect', () => resolve('parent gone'));
    if (parentPipe === 'stdin') {
      for (const event of ['end', 'close', 'error']) host.stdin.once(event, () => resolve('parent gone'));
      host.stdin.resume();
    }
  });
}
