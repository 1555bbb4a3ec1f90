/**
 * Our side of an exchange over HTTP/2.
 */
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { type Authorizer, connectSpiffeHttp2, createSpiffeHttp2Server, peerOf } from '@countersign/spiffe-tls';
import { createObserver, type Identity, type OurServer, sourceOf } from './our-side.ts';

/** HTTP/2; answers `Hello <peer>`. */
export async function serveHttp2(t: TestContext, identity: Identity, authorize: Authorizer): Promise<OurServer> {
  const seen = createObserver();
  const options = { source: await sourceOf(t, identity), authorize, onRefused: seen.onRefused };
  const server = createSpiffeHttp2Server(options, (incoming, response) => {
    const peer = String(peerOf(incoming)?.id);
    seen.peers.push(peer);
    response.end(`Hello ${peer}`);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    for (const session of sessions) session.destroy();
    await once(server, 'close');
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new TypeError('the server has no port');
  return { ...seen, port: address.port };
}

/** One GET over HTTP/2; the body. */
export async function callHttp2(
  t: TestContext,
  identity: Identity,
  port: number,
  authorize: Authorizer,
): Promise<string> {
  const source = await sourceOf(t, identity);
  const session = await connectSpiffeHttp2({ source, authorize, authority: `https://127.0.0.1:${port}` });
  session.on('error', () => {});
  t.after(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  const [headers] = await once(stream, 'response');
  let body = '';
  for await (const chunk of stream) body += String(chunk);
  if (headers[':status'] !== 200) throw new Error(`HTTP ${headers[':status']}: ${body}`);
  return body;
}
