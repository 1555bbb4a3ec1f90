/** Replays what was captured on the wire, byte for byte. */
import { connect } from 'node:net';
import { endpointOf } from './contrast-servers.ts';

/** What came of it. */
export interface Replayed {
  /** The attacker's port: the server's log names it. */
  readonly port: number;
  /** Bytes that the server answered with before it closed. */
  readonly answered: number;
  readonly ended: 'closed by the server' | 'still open';
}

const PATIENCE_MS = 5_000;

/** Opens a new connection and sends what a client once sent. */
export function replayBytes(address: string, bytes: Uint8Array): Promise<Replayed> {
  return new Promise((resolve, reject) => {
    let answered = 0;
    let port = 0;
    const socket = connect(endpointOf(address), () => {
      port = socket.localPort ?? 0;
      socket.write(bytes);
    });
    const done = (ended: Replayed['ended']) => {
      socket.destroy();
      resolve({ port, answered, ended });
    };
    socket.on('data', (chunk: Buffer) => {
      answered += chunk.length;
    });
    // A reset is how the server ends it; what never connected was no replay.
    socket.on('error', (error) => (port === 0 ? reject(error) : done('closed by the server')));
    socket.on('close', () => done('closed by the server'));
    socket.setTimeout(PATIENCE_MS, () => done('still open'));
  });
}
