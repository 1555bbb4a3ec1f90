/**
 * The modes beside mTLS over HTTP/2 and gRPC: a web certificate on the server, and a client that presents nothing. Section 2
 * "TLS modes". The other side is Node's or grpc-js's own.
 */
import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect as connectHttp2, createSecureServer } from 'node:http2';
import { test } from 'node:test';
import { createTestCa, type IssuedSvid } from '@countersign/testkit';
import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { createCa, createWorkload, idOf, RefusalLog } from '../test/adapter-fixture.ts';
import { type Message, methods } from '../test/grpc-fixture.ts';
import { portOf } from '../test/https-fixture.ts';
import { listenOnLoopback } from '../test/loopback-listener.ts';
import { authorizeId, dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { createSpiffeGrpcChannel } from './grpc-channel.ts';
import { createSpiffeGrpcServer } from './grpc-server.ts';
import { connectSpiffeHttp2 } from './http2-client.ts';
import { createSpiffeHttp2Server } from './http2-server.ts';
import { peerOf } from './peer-of.ts';
import { createWebCertificate } from './web-certificate.ts';
import { X509BundleSet } from './x509-bundle.ts';

const ca = await createCa();
const webCa = await createTestCa({ trustDomain: 'web.example' });
const web = await webCa.issue({ uris: [], dnsNames: ['localhost'] });
const webCertificate = createWebCertificate({ certificatePem: web.certificatePem, privateKeyPem: web.keyPem });
const bundles = X509BundleSet.of(ca.bundle());
const client = await ca.issue({ path: '/client' });
const rogue = await ca.issue({ path: '/rogue' });

async function read(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ':path': '/' });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

/** A unary call of the echo service; resolves with the answer, rejects with grpc-js's error. */
function unary(echo: Client): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = methods.unary;
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + 20_000;
    echo.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { text: '' },
      { deadline },
      (error, message?: Message) => {
        if (error === null) resolve(message?.text ?? '');
        else reject(error);
      },
    );
  });
}

test('http2: a server with a web certificate verifies SPIFFE clients', async (t) => {
  const log = new RefusalLog();
  const authorize = authorizeId(idOf('client'));
  const server = createSpiffeHttp2Server(
    { webCertificate, bundles, authorize, onRefused: log.onRefused },
    (request, response) => {
      response.end(`${peerOf(request)?.id}`);
    },
  );
  await listenOnLoopback(t, server);
  const open = (issued: IssuedSvid) => {
    const identity = { cert: issued.certificatePem, key: issued.keyPem };
    const session = connectHttp2(`https://127.0.0.1:${portOf(server)}`, {
      ca: webCa.pem,
      servername: 'localhost',
      ...identity,
    });
    session.on('error', () => {});
    t.after(() => session.destroy());
    return session;
  };
  assert.equal(await read(open(client)), `${idOf('client')}`);
  const refused = open(rogue);
  await new Promise((resolve) => refused.once('close', resolve));
  assert.equal((await log.next()).code, 'PEER_NOT_AUTHORIZED');
});

test('http2: a client that presents nothing verifies the server', async (t) => {
  const svid = await ca.issue({ path: '/server' });
  let presented = 0;
  const server = createSecureServer(
    { cert: svid.certificatePem, key: svid.keyPem, requestCert: true, rejectUnauthorized: false },
    (_request, response) => response.end('hello'),
  );
  server.on('secureConnection', (socket) => {
    if (socket.getPeerX509Certificate() !== undefined) presented += 1;
  });
  await listenOnLoopback(t, server);
  const authority = `https://127.0.0.1:${portOf(server)}`;
  const options = { clientCertificate: 'none', bundles, authority } as const;
  const session = await connectSpiffeHttp2({ ...options, authorize: authorizeId(idOf('server')) });
  t.after(() => session.destroy());
  assert.equal(await read(session), 'hello');
  assert.equal(presented, 0);
  await assert.rejects(connectSpiffeHttp2({ ...options, authorize: authorizeId(idOf('other')) }), {
    code: 'PEER_NOT_AUTHORIZED',
  });
});

test('grpc: a server with a web certificate verifies SPIFFE clients', async (t) => {
  const log = new RefusalLog();
  const server = new Server();
  server.addService(
    { unary: methods.unary },
    {
      unary: (call: Parameters<typeof peerOf>[0], answer: (error: null, message: Message) => void) =>
        answer(null, { text: `${peerOf(call)?.id}` }),
    },
  );
  const authorize = authorizeId(idOf('client'));
  const spiffe = createSpiffeGrpcServer({ server, webCertificate, bundles, authorize, onRefused: log.onRefused });
  const { port } = await spiffe.listen(0);
  t.after(() => spiffe.close());
  const open = ({ certificatePem, keyPem }: IssuedSvid) => {
    const tls = credentials.createSsl(Buffer.from(webCa.pem), Buffer.from(keyPem), Buffer.from(certificatePem));
    const echo = new Client(`127.0.0.1:${port}`, tls, {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.default_authority': 'localhost',
    });
    t.after(() => echo.close());
    return echo;
  };
  assert.equal(await unary(open(client)), `${idOf('client')}`);
  await assert.rejects(unary(open(rogue)), { code: 14 });
  assert.equal((await log.next()).code, 'PEER_NOT_AUTHORIZED');
});

test('grpc: a client that presents nothing verifies the server', async (t) => {
  const svid = await ca.issue({ path: '/server' });
  const server = new Server();
  server.addService(
    { unary: methods.unary },
    { unary: (_: unknown, answer: (error: null, message: Message) => void) => answer(null, { text: 'hello' }) },
  );
  const pair = { private_key: Buffer.from(svid.keyPem), cert_chain: Buffer.from(svid.certificatePem) };
  const port = await new Promise<number>((resolve, reject) => {
    const ssl = ServerCredentials.createSsl(null, [pair], false);
    server.bindAsync('127.0.0.1:0', ssl, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  t.after(() => server.forceShutdown());
  const open = (id: string) => {
    const options = { clientCertificate: 'none', bundles, authorize: authorizeId(idOf(id)) } as const;
    const channelOverride = createSpiffeGrpcChannel({ ...options, address: `127.0.0.1:${port}` });
    t.after(() => channelOverride.close());
    return new Client('echo', credentials.createInsecure(), { channelOverride });
  };
  assert.equal(await unary(open('server')), 'hello');
  await assert.rejects(unary(open('other')), { code: 14, message: /other/ });
});

test('a protocol without a mode refuses its options at construction', async () => {
  const { source } = await createWorkload(ca, 'own');
  const none = { source, clientCertificate: 'none' };
  const webServer = { source, webServer: { ca: webCa.pem } };
  assert.throws(() => Reflect.apply(createSpiffeHttp2Server, undefined, [none]), TypeError);
  assert.throws(() => Reflect.apply(createSpiffeGrpcServer, undefined, [{ ...none, server: new Server() }]), TypeError);
  assert.throws(() => Reflect.apply(createSpiffeGrpcChannel, undefined, [{ ...webServer, address: 'a:1' }]), TypeError);
  const authority = 'https://localhost:1';
  await assert.rejects(Reflect.apply(connectSpiffeHttp2, undefined, [{ ...webServer, authority }]), TypeError);
  const authorize = dangerouslyAuthorizeAnyPeer();
  assert.throws(() => Reflect.apply(createSpiffeHttp2Server, undefined, [{ bundles, authorize }]), TypeError);
});
