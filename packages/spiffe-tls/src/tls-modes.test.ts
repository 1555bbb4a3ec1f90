/**
 * The modes beside mTLS, on real sockets: where one side has no X.509-SVID. L17, section 2 "TLS modes".
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Agent, createServer as createWebServer, get as httpsGet } from 'node:https';
import type { LookupFunction } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { createTestCa, type IssuedSvid, type TestCa } from '@countersign/testkit';
import { Agent as UndiciAgent, fetch as undiciFetch } from 'undici';
import { createCa, createWorkload, idOf, RefusalLog } from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { createAgent, get, portOf, startHttps } from '../test/https-fixture.ts';
import { listenOnLoopback } from '../test/loopback-listener.ts';
import { authorizeId, dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { createSpiffeHttpsAgent } from './https-agent.ts';
import { createSpiffeHttpsServer } from './https-server.ts';
import { peerOf } from './peer-of.ts';
import { createSpiffeUndiciAgent } from './undici-agent.ts';
import { createWebCertificate } from './web-certificate.ts';
import { X509BundleSet } from './x509-bundle.ts';

const webCa = await createTestCa({ trustDomain: 'web.example' });
const webCert = await webOf(webCa);

/** A certificate as the web's authorities issue them: a DNS name, no URI. */
function webOf(ca: TestCa, ...dnsNames: string[]): Promise<IssuedSvid> {
  return ca.issue({ uris: [], dnsNames: dnsNames.length === 0 ? ['localhost'] : dnsNames });
}

function inputOf({ certificatePem, keyPem }: IssuedSvid) {
  return { certificatePem, privateKeyPem: keyPem };
}

/** Turns Node's global switch off for one test: it must not matter. */
function withoutNodesVerification(t: TestContext): void {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
}

/** A handshake of a program without this library: the certificate that the server shows, and whether it asked for one. */
async function handshake(port: number, options: ConnectionOptions = {}) {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const shown = socket.getPeerX509Certificate()?.serialNumber;
  socket.destroy();
  return shown;
}

/** A web server that notes who called. */
async function startWebServer(t: TestContext, issued: IssuedSvid, ca: TestCa) {
  const serials: string[] = [];
  const server = createWebServer(
    { cert: issued.certificatePem, key: issued.keyPem, ca: [ca.pem], requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const socket = request.socket;
      serials.push('getPeerX509Certificate' in socket ? String(clientSerial(socket)) : 'none');
      response.end('web');
    },
  );
  await listenOnLoopback(t, server);
  return { port: portOf(server), serials };
}

function clientSerial(socket: object): unknown {
  const ask: unknown = Reflect.get(socket, 'getPeerX509Certificate');
  const certificate: unknown = typeof ask === 'function' ? Reflect.apply(ask, socket, []) : undefined;
  return typeof certificate === 'object' && certificate !== null ? Reflect.get(certificate, 'serialNumber') : 'none';
}

function getByName(agent: Agent, port: number, host = 'localhost') {
  return new Promise<string>((resolve, reject) => {
    const request = httpsGet({ host, port, agent, lookup: toLoopback }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

const toLoopback: LookupFunction = (_name, options, callback) => {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
};

test('tls server and tls client: the SVID is verified, the client shows nothing and has no peer', async (t) => {
  withoutNodesVerification(t);
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const { port } = await startHttps(t, { source: server.source, clientCertificate: 'none' }, (request, response) => {
    response.writeHead(peerOf(request) === undefined ? 401 : 200).end();
  });
  const client = { clientCertificate: 'none', bundles: X509BundleSet.of(ca.bundle()) } as const;
  const agent = createAgent(t, { ...client, authorize: authorizeId(server.id) });
  const first = await get(agent, port);
  assert.equal(first.status, 401, 'a guard sees no peer');
  assert.equal((await get(agent, port)).clientPort, first.clientPort, 'the connection is kept');

  const wrongId = createAgent(t, { ...client, authorize: authorizeId(idOf('other')) });
  await assert.rejects(get(wrongId, port), { code: 'PEER_NOT_AUTHORIZED' });
  const stranger = await createCa('stranger.example');
  const noBundle = { clientCertificate: 'none', bundles: X509BundleSet.of(stranger.bundle()) } as const;
  const untrusting = createAgent(t, { ...noBundle, authorize: dangerouslyAuthorizeAnyPeer() });
  await assert.rejects(get(untrusting, port), { code: 'NO_BUNDLE' });
});

test('tls server: an SVID that a client offers all the same makes it no peer, and rotation shows', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const peers: unknown[] = [];
  const { port } = await startHttps(t, { source: server.source, clientCertificate: 'none' }, (request, response) => {
    peers.push(peerOf(request));
    response.end();
  });
  const client = await createWorkload(ca, 'client');
  const agent = createAgent(t, { source: client.source, authorize: authorizeId(server.id) });
  await get(agent, port);
  assert.deepEqual(peers, [undefined]);
  const before = server.serial();
  await server.rotate();
  assert.notEqual(server.serial(), before);
  assert.equal(await handshake(port), server.serial());
});

test('tls server: withdrawn, it shows nothing and drops clients', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  const options = { source: server.source, clientCertificate: 'none', onRefused: log.onRefused } as const;
  const { port } = await startHttps(t, options, (_request, response) => response.end());
  server.source.withdraw();
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  assert.equal((await log.next()).code, 'IDENTITY_WITHDRAWN');
});

test('tls client: an mTLS server refuses it, and a server without SVID gets no byte of it', async (t) => {
  withoutNodesVerification(t);
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const log = new RefusalLog();
  const authorize = dangerouslyAuthorizeAnyPeer();
  const { port } = await startHttps(t, { source: server.source, authorize, onRefused: log.onRefused }, () => {
    assert.fail('reached');
  });
  const agent = createAgent(t, { clientCertificate: 'none', bundles: server.source, authorize });
  await assert.rejects(get(agent, port));
  assert.equal((await log.next()).code, 'NO_PEER_CERTIFICATE');

  const foreign = await startForeignServer(t, webCert);
  const closed = foreign.nextClosed();
  await assert.rejects(get(agent, foreign.port, { body: 'secret' }), { code: 'URI_SAN_COUNT' });
  await closed;
  assert.equal(foreign.received(), '');
});

test('tls client: a bundle that leaves takes kept connections along', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const { port } = await startHttps(t, { source: server.source, clientCertificate: 'none' }, (_q, r) => r.end());
  const trust = await createWorkload(ca, 'unused');
  const agent = createAgent(t, { clientCertificate: 'none', bundles: trust.source, authorize: authorizeId(server.id) });
  assert.equal((await get(agent, port)).status, 200);
  trust.trust((await createCa('other.example')).bundle());
  await assert.rejects(get(agent, port), { code: 'NO_BUNDLE' });
});

test('mtls-web server: a web certificate outside, SPIFFE IDs inside', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const log = new RefusalLog();
  const webCertificate = createWebCertificate(inputOf(webCert));
  const { port } = await startHttps(
    t,
    {
      webCertificate,
      bundles: X509BundleSet.of(ca.bundle()),
      authorize: authorizeId(client.id),
      onRefused: log.onRefused,
    },
    (request, response) => response.end(`${peerOf(request)?.id}`),
  );
  const agent = createAgent(t, { source: client.source, webServer: { ca: webCa.pem } });
  assert.equal(await getByName(agent, port), `${client.id}`);

  const rogue = await createWorkload(ca, 'rogue');
  const rogueAgent = createAgent(t, { source: rogue.source, webServer: { ca: webCa.pem } });
  await assert.rejects(getByName(rogueAgent, port));
  const wrong = await log.next();
  assert.deepEqual([wrong.code, wrong.peerId], ['PEER_NOT_AUTHORIZED', 'spiffe://example.org/rogue']);
  // The web's authority is no trust domain: its certificates open nothing.
  for (const [issued, code] of [
    [undefined, 'NO_PEER_CERTIFICATE'],
    [webCert, 'URI_SAN_COUNT'],
  ] as const) {
    const identity = issued && { cert: issued.certificatePem, key: issued.keyPem };
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...identity });
    socket.on('error', () => {});
    socket.resume();
    await new Promise((resolve) => socket.once('close', resolve));
    assert.equal((await log.next()).code, code);
  }
  await client.rotate();
  assert.equal(await getByName(agent, port), `${client.id}`, 'a new SVID of the same ID');
});

test('mtls-web server: a renewed web certificate shows at the next handshake; a bad one leaves the former', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const webCertificate = createWebCertificate(inputOf(webCert));
  const options = { webCertificate, bundles: client.source, authorize: authorizeId(client.id) };
  const { port } = await startHttps(t, options, (_request, response) => response.end('ok'));
  const agent = createAgent(t, { source: client.source, webServer: { ca: webCa.pem } });
  assert.equal(await getByName(agent, port), 'ok');
  const renewed = await webOf(webCa);
  webCertificate.update(inputOf(renewed));
  const identity = await ca.issue({ path: '/client' });
  const shown = () => handshake(port, { cert: identity.certificatePem, key: identity.keyPem });
  assert.equal(await shown(), webCertificate.serialNumber);
  assert.notEqual(webCertificate.serialNumber, createWebCertificate(inputOf(webCert)).serialNumber);
  assert.equal(await getByName(agent, port), 'ok', 'the connection made before is still good');
  const bad = [
    [{ ...inputOf(renewed), privateKeyPem: webCert.keyPem }, 'KEY_MISMATCH'],
    [{ ...inputOf(renewed), privateKeyPem: 'no key' }, 'PRIVATE_KEY_INVALID'],
    [{ ...inputOf(renewed), certificatePem: 'no certificate' }, 'CERTIFICATE_MALFORMED'],
  ] as const;
  for (const [input, code] of bad) assert.throws(() => webCertificate.update(input), { code });
  assert.equal(await shown(), webCertificate.serialNumber);
});

const refusedWebServers: ReadonlyArray<readonly [string, () => Promise<IssuedSvid>, string, string?]> = [
  ['another host name', () => webOf(webCa, 'other.example'), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['no name for the IP address asked for', () => webOf(webCa), 'ERR_TLS_CERT_ALTNAME_INVALID', '127.0.0.1'],
  [
    'an unknown authority',
    async () => webOf(await createTestCa({ trustDomain: 'evil.example' })),
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  [
    'an expired certificate',
    () => webCa.issue({ uris: [], dnsNames: ['localhost'], notAfter: new Date(Date.now() - 1_000) }),
    'CERT_HAS_EXPIRED',
  ],
];

test('mtls-web client: what is not the web server is refused, and gets no byte, whatever the environment says', async (t) => {
  withoutNodesVerification(t);
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const log = new RefusalLog();
  const agent = createAgent(t, { source: client.source, webServer: { ca: [webCa.pem] }, onRefused: log.onRefused });
  for (const [name, issue, code, host] of refusedWebServers) {
    const foreign = await startForeignServer(t, await issue());
    const closed = foreign.nextClosed();
    await assert.rejects(getByName(agent, foreign.port, host), { code }, name);
    await closed;
    assert.equal(foreign.received(), '', name);
    const record = await log.next();
    assert.deepEqual([record.code, record.role, record.got], ['NOT_VERIFIED', 'client', JSON.stringify(code)], name);
  }
  // A SPIFFE server of the own trust domain is no web server: nothing falls back.
  const spiffe = await startForeignServer(t, await ca.issue({ path: '/server', dnsNames: ['localhost'] }));
  await assert.rejects(getByName(agent, spiffe.port), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
  const byDefault = createAgent(t, { source: client.source, webServer: { ca: 'node-default' } });
  const foreign = await startForeignServer(t, webCert);
  await assert.rejects(getByName(byDefault, foreign.port), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
});

test('mtls-web client: the SVID is presented, is replaced at rotation, and never after a withdrawal', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const { port, serials } = await startWebServer(t, webCert, ca);
  const agent = createAgent(t, { source: client.source, webServer: { ca: webCa.pem }, retireWindow: 0 });
  assert.equal(await getByName(agent, port), 'web');
  const first = client.serial();
  assert.deepEqual(serials, [first]);
  await client.rotate();
  while (serials.at(-1) === first) await getByName(agent, port);
  assert.equal(serials.at(-1), client.serial());
  const asked = serials.length;
  client.source.withdraw();
  await assert.rejects(getByName(agent, port), { code: 'IDENTITY_WITHDRAWN' });
  assert.equal(serials.length, asked, 'no kept connection was used');
});

test('undici: mtls-web and tls clients, accepted and refused', async (t) => {
  withoutNodesVerification(t);
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const { port, serials } = await startWebServer(t, webCert, ca);
  const web = createSpiffeUndiciAgent({ Agent: UndiciAgent, source: client.source, webServer: { ca: webCa.pem } });
  t.after(() => web.close());
  const ask = async (dispatcher: UndiciAgent, to: number, host = 'localhost') =>
    (await undiciFetch(`https://${host}:${to}/`, { dispatcher })).text();
  assert.equal(await ask(web, port), 'web');
  assert.deepEqual(serials, [client.serial()]);
  await assert.rejects(ask(web, port, '127.0.0.1'), causedBy('ERR_TLS_CERT_ALTNAME_INVALID'));

  const server = await createWorkload(ca, 'server');
  const tls = await startHttps(t, { source: server.source, clientCertificate: 'none' }, (_q, r) => r.end('spiffe'));
  await assert.rejects(ask(web, tls.port), causedBy('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
  const nothing = { Agent: UndiciAgent, clientCertificate: 'none', bundles: server.source } as const;
  const verifying = createSpiffeUndiciAgent({ ...nothing, authorize: authorizeId(server.id) });
  t.after(() => verifying.close());
  assert.equal(await ask(verifying, tls.port, '127.0.0.1'), 'spiffe');
  await assert.rejects(ask(verifying, port), causedBy('URI_SAN_COUNT'));
});

function causedBy(code: string): (error: unknown) => boolean {
  return (error) => error instanceof Error && Reflect.get(Object(error.cause), 'code') === code;
}

test('options of two modes, or of none, are refused at construction: nothing is inferred', async () => {
  const ca = await createCa();
  const { source } = await createWorkload(ca, 'own');
  const authorize = dangerouslyAuthorizeAnyPeer();
  const bundles = X509BundleSet.of(ca.bundle());
  const webCertificate = createWebCertificate(inputOf(webCert));
  const webServer = { ca: webCa.pem };
  const servers: ReadonlyArray<readonly [object, RegExp]> = [
    [{ source }, /"authorize"/],
    [{ bundles, authorize }, /"bundles" must be left out/],
    [{ source, authorize, clientCertificate: 'none' }, /"authorize" must be left out/],
    [{ source, clientCertificate: 'optional' }, /"clientCertificate" must be "none"/],
    [{ source, clientCertificate: 'none', webCertificate }, /"webCertificate" must be left out/],
    [{ webCertificate, bundles }, /"authorize"/],
    [{ webCertificate, authorize }, /"bundles" must be/],
    [{ webCertificate, source, bundles, authorize }, /"source" must be left out/],
    [{ webCertificate: inputOf(webCert), bundles, authorize }, /createWebCertificate/],
  ];
  for (const [options, message] of servers) {
    assert.throws(() => Reflect.apply(createSpiffeHttpsServer, undefined, [options, () => {}]), {
      name: 'TypeError',
      message,
    });
  }
  const clients: ReadonlyArray<readonly [object, RegExp]> = [
    [{ source }, /"authorize"/],
    [{ bundles, authorize }, /"bundles" must be left out/],
    [{ bundles, clientCertificate: 'none' }, /"authorize"/],
    [{ authorize, clientCertificate: 'none' }, /"bundles" must be/],
    [{ source, bundles, authorize, clientCertificate: 'none' }, /"source" must be left out/],
    [{ bundles, authorize, clientCertificate: 'none', webServer }, /"webServer" must be left out/],
    [{ source, authorize, webServer }, /"authorize" must be left out/],
    [{ webServer }, /"source"/],
    [{ source, webServer: {} }, /"webServer.ca"/],
    [{ source, webServer: { ca: [] } }, /empty list/],
    [{ source, webServer: { ca: 'not PEM' } }, /"webServer.ca"/],
  ];
  for (const [options, message] of clients) {
    assert.throws(() => Reflect.apply(createSpiffeHttpsAgent, undefined, [options]), { name: 'TypeError', message });
  }
});
