import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { IssuedSvid } from '@countersign/testkit';
import { createCa, createWorkload, idOf, RefusalLog } from '../test/adapter-fixture.ts';
import { startGrpc } from '../test/grpc-fixture.ts';
import { startHttps } from '../test/https-fixture.ts';
import { authorizeId } from './authorizers.ts';

const hasOpenSsl = spawnSync('openssl', ['version']).status === 0;
const skip = hasOpenSsl ? false : 'openssl is not installed';

/** Files that `openssl s_client` reads and writes. */
async function filesOf(t: TestContext, client: IssuedSvid) {
  const directory = await mkdtemp(join(tmpdir(), 'spiffe-tls-'));
  t.after(() => rm(directory, { recursive: true }));
  const cert = join(directory, 'client.pem');
  await writeFile(cert, client.certificatePem + client.keyPem);
  return { cert, session: join(directory, 'session.pem') };
}

/** Runs `openssl s_client`, sends `input`, and returns what it printed. */
function openSslClient(port: number, files: { cert: string }, args: readonly string[], input: string): Promise<string> {
  const common = ['s_client', '-connect', `127.0.0.1:${port}`, '-cert', files.cert, '-ign_eof'];
  const child = spawn('openssl', [...common, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += String(chunk);
    });
  }
  child.stdin.on('error', () => {});
  child.stdin.write(input);
  return new Promise((resolve) => child.once('close', () => resolve(text)));
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

test('T1 a session that openssl saved does not get past a peer that has been refused since', { skip }, async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const files = await filesOf(t, await ca.issue({ path: '/client' }));
  const log = new RefusalLog();
  let allowed = true;
  const authorize = () => (allowed ? undefined : 'nobody');
  let requests = 0;
  const options = { source: server.source, authorize, onRefused: log.onRefused };
  const { port } = await startHttps(t, options, (_request, response) => {
    requests += 1;
    response.end('reached');
  });
  const first = await openSslClient(port, files, ['-sess_out', files.session], REQUEST);
  assert.match(first, /reached/);
  assert.match(await readFile(files.session, 'utf8'), /SSL SESSION PARAMETERS/, 'there was a session to save');
  allowed = false;
  const second = await openSslClient(port, files, ['-sess_in', files.session], REQUEST);
  assert.match(second, /^New, TLSv1\.3/m, 'a full handshake');
  assert.doesNotMatch(second, /^Reused/m);
  assert.equal((await log.next()).code, 'PEER_NOT_AUTHORIZED');
  assert.equal(requests, 1);
});

test('T1 nor on a gRPC server, after the CA of the peer left the bundle', { skip }, async (t) => {
  const ca = await createCa();
  const next = await createCa();
  const server = await createWorkload(ca, 'server');
  const files = await filesOf(t, await ca.issue({ path: '/client' }));
  const log = new RefusalLog();
  const { port, spiffe } = await startGrpc(
    t,
    { source: server.source, authorize: authorizeId(idOf('client')), onRefused: log.onRefused },
    {},
  );
  const args = ['-alpn', 'h2', '-sess_out', files.session];
  // Bytes that are not HTTP/2 end the connection, after the server's settings and tickets have come.
  await openSslClient(port, files, args, REQUEST);
  assert.match(await readFile(files.session, 'utf8'), /SSL SESSION PARAMETERS/);
  server.trust(next.bundle());
  const second = await openSslClient(port, files, ['-alpn', 'h2', '-sess_in', files.session], REQUEST);
  assert.match(second, /^New, TLSv1\.3/m);
  assert.equal((await log.next()).code, 'UNTRUSTED_CHAIN');
  await spiffe.close();
});
