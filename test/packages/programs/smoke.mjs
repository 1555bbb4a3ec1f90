/**
 * A project's first hours with the packages: a trust domain for tests, both ends of HTTPS, HTTP/2, fetch and gRPC, a
 * rotation, a token, and a server that is not the one expected. Prints one JSON line with what came of each.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevTrustDomain } from '@countersign/dev-trust-domain';
import * as spiffe from '@countersign/spiffe-tls';
import { credentials, makeGenericClientConstructor, Server } from '@grpc/grpc-js';
import { Agent, fetch } from 'undici';

const runDirectory = await mkdtemp(join(tmpdir(), 'smoke-'));
const names = ['server', 'client', 'other'];
const trustDomain = await startDevTrustDomain({
  trustDomain: 'example.org',
  runDirectory,
  // A chain of three: intermediates have to be seen whole on this Node.
  intermediates: 2,
  registrations: names.map((name) => ({ name, spiffeId: `spiffe://example.org/${name}`, dnsNames: [] })),
});
const sourceOf = async (name) => {
  const source = spiffe.createWorkloadApiX509Source({ endpoint: trustDomain.socketOf(name) });
  await source.ready();
  return source;
};
const idOf = (name) => spiffe.SpiffeId.parse(`spiffe://example.org/${name}`);
const server = { source: await sourceOf('server'), authorize: spiffe.authorizeId(idOf('client')) };
const client = { source: await sourceOf('client'), authorize: spiffe.authorizeId(idOf('server')) };
const greet = (request, response) => response.end(`Hello ${spiffe.peerOf(request)?.id}`);
const seen = {};

const https = spiffe.createSpiffeHttpsServer(server, greet).listen(0, '127.0.0.1');
await once(https, 'listening');
const agent = spiffe.createSpiffeHttpsAgent(client);
const ask = async (how) => {
  const outgoing = get({ host: '127.0.0.1', port: https.address().port, agent: how });
  const response = await new Promise((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
};
seen.https = await ask(agent);

const wrong = spiffe.createSpiffeHttpsAgent({ ...client, authorize: spiffe.authorizeId(idOf('other')) });
seen.refused = await ask(wrong).then(
  () => 'let in',
  (error) => error.code,
);

const before = client.source.current().svid.leaf.serialNumber;
const updated = new Promise((resolve) => client.source.subscribe(resolve));
await trustDomain.rotate();
await updated;
seen.rotated = client.source.current().svid.leaf.serialNumber !== before && (await ask(agent)) === seen.https;

const dispatcher = spiffe.createSpiffeUndiciAgent({ Agent, ...client });
const url = `https://127.0.0.1:${https.address().port}/`;
seen.fetch = await (await fetch(url, { dispatcher })).text();

const http2 = spiffe.createSpiffeHttp2Server(server, greet).listen(0, '127.0.0.1');
await once(http2, 'listening');
const authority = `https://127.0.0.1:${http2.address().port}`;
const session = await spiffe.connectSpiffeHttp2({ ...client, authority });
seen.http2 = '';
for await (const chunk of session.request({ ':path': '/' })) seen.http2 += chunk;

const text = {
  requestSerialize: Buffer.from,
  requestDeserialize: String,
  responseSerialize: Buffer.from,
  responseDeserialize: String,
};
const service = {
  say: { path: '/smoke.Smoke/Say', requestStream: false, responseStream: false, ...text },
  watch: { path: '/smoke.Smoke/Watch', requestStream: false, responseStream: true, ...text },
};
const grpcServer = new Server();
grpcServer.addService(service, {
  say: (call, answer) => answer(null, `Hello ${spiffe.peerOf(call)?.id}`),
  watch: (call) => {
    call.write('one');
    call.end();
  },
});
const grpc = spiffe.createSpiffeGrpcServer({ ...server, server: grpcServer });
// T28: the target is an IP address.
const { port } = await grpc.listen(0, '127.0.0.1');
const channelOverride = spiffe.createSpiffeGrpcChannel({ ...client, address: `127.0.0.1:${port}` });
const Client = makeGenericClientConstructor(service, 'Smoke');
const stub = new Client('smoke', credentials.createInsecure(), { channelOverride });
seen.grpc = await new Promise((resolve, reject) =>
  stub.say('hi', (error, answer) => (error ? reject(error) : resolve(answer))),
);
seen.grpcStream = '';
for await (const message of stub.watch('hi')) seen.grpcStream += message;

const audience = 'spiffe://example.org/server';
const tokens = spiffe.createWorkloadApiJwtSource({ endpoint: trustDomain.socketOf('client') });
const bundles = spiffe.createWorkloadApiJwtBundleSource({ endpoint: trustDomain.socketOf('server') });
await bundles.ready();
const token = (await tokens.fetch({ audience })).token();
seen.jwt = `${spiffe.validateJwtSvid(token, { audience, bundles, nowMs: Date.now() }).id}`;

for (const it of [agent, wrong, session]) it.destroy();
channelOverride.close();
await Promise.all([dispatcher.close(), grpc.close()]);
for (const it of [https, http2]) it.close();
for (const it of [tokens, bundles, server.source, client.source]) it.close();
await trustDomain.close();
await rm(runDirectory, { recursive: true });
console.log(JSON.stringify(seen));
