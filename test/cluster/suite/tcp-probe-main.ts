/**
 * Runs inside a pod, as text on the command line of its own Node: connects to each `address:port` and writes what became of it,
 * as JSON. A NetworkPolicy that forbids a connection lets it run into silence; whoever is not there refuses at once.
 */
import { connect } from 'node:net';

/** How long silence has to last to be called that. */
const SILENCE_MS = 2_000;

async function probe(target: string): Promise<readonly [target: string, outcome: string]> {
  const [host = '', port = ''] = target.split(':');
  try {
    return [target, await dial(host, Number(port))];
  } catch (error) {
    return [target, error instanceof Error && 'code' in error ? String(error.code) : String(error)];
  }
}

function dial(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(SILENCE_MS, () => {
      resolve('dropped');
      socket.destroy();
    });
    socket.on('connect', () => {
      resolve('connected');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

process.stdout.write(JSON.stringify(await Promise.all(process.argv.slice(1).map(probe))));
