/**
 * nginx with a configuration of ours, in a directory of its own, on loopback, in the foreground.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type PeerProcess, startPeer } from './peer-process.ts';
import { freePort, printed, scratchDirectory } from './program.ts';

/** A running nginx. */
export interface Nginx {
  readonly process: PeerProcess;
  readonly port: number;
}

/**
 * Starts it with one server block; stopped when the test ends.
 * @param directives of that server; `listen` is added
 * @param listen what stands after the address: `ssl`, `ssl http2` or nothing
 */
export async function startNginx(
  t: TestContext,
  command: string,
  directives: readonly string[],
  listen: string,
): Promise<Nginx> {
  const directory = await scratchDirectory(t);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await Promise.all(temporary.map((name) => mkdir(join(directory, name))));
  const port = await freePort();
  const config = [
    'daemon off;',
    // It keeps its workers as root then, and asks for no user that the machine may not have.
    ...(process.getuid?.() === 0 ? ['user root;'] : []),
    'worker_processes 1;',
    `pid ${join(directory, 'nginx.pid')};`,
    'error_log stderr info;',
    'events { worker_connections 64; }',
    'http {',
    'access_log off;',
    ...temporary.map((name) => `${name}_temp_path ${join(directory, name)};`),
    'server {',
    `listen 127.0.0.1:${port} ${listen};`,
    ...directives,
    '}',
    '}',
  ];
  const path = join(directory, 'nginx.conf');
  await writeFile(path, `${config.join('\n')}\n`, { mode: 0o600 });
  const running = startPeer(t, { command, args: ['-p', directory, '-e', 'stderr', '-c', path] });
  await printed(running, /start worker process \d/);
  return { process: running, port };
}
