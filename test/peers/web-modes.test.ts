/**
 * Where one side has no X.509-SVID: a server with a certificate of the web's authorities that asks for SVIDs, theirs with our
 * client and ours with theirs, and a server of ours that asks for nothing.
 */
import assert from 'node:assert/strict';
import type { LookupFunction } from 'node:net';
import { after, before, type TestContext } from 'node:test';
import {
  authorizeId,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  createWebCertificate,
} from '@countersign/spiffe-tls';
import { createTestCa, type IssuedSvid, type TestCa } from '@countersign/testkit';
import { interopTest } from './interop.ts';
import { startNginx } from './nginx-process.ts';
import { getOverHttps, type Identity, listenHttps, type OurServer, sourceOf } from './our-side.ts';
import { startPlainApp } from './plain-app.ts';
import { findProgram, identityOf, printed, runProgram, writeIdentity } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

const nginx = findProgram('nginx', ['-v'], /nginx\/(\d+\.\d+)/);
const curl = findProgram('curl', ['--version'], /^curl (\d+\.\d+)/);
const NAME = 'www.example.org';

let domains: PeerTrustDomains;
/** An authority of the web. */
let web: TestCa;
before(async () => {
  domains = await startTrustDomains();
  web = await createTestCa({ trustDomain: 'web.example', uris: [] });
});
after(() => domains.close());

function webCertificateFor(name: string): Promise<IssuedSvid> {
  return web.issue({ uris: [], dnsNames: [name] });
}

/** nginx with a web certificate; it requires SVIDs of our trust domain. */
async function startWebFront(t: TestContext, name = NAME) {
  const app = await startPlainApp(t);
  const { bundlePem } = await identityOf(domains.own.socketOf('client'));
  const files = await writeIdentity(t, { ...(await webCertificateFor(name)), bundlePem });
  const directives = [
    `ssl_certificate ${files.certificate};`,
    `ssl_certificate_key ${files.key};`,
    'ssl_protocols TLSv1.3;',
    `ssl_client_certificate ${files.bundle};`,
    'ssl_verify_client on;',
    `location / { proxy_pass http://127.0.0.1:${app.port}; }`,
  ];
  return { ...(await startNginx(t, nginx.command, directives, 'ssl')), app };
}

const loopback: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

/** By our client that verifies servers as browsers do. */
async function callWeb(t: TestContext, identity: Identity, port: number, ca = web.pem): Promise<string> {
  const agent = createSpiffeHttpsAgent({ source: await sourceOf(t, identity), webServer: { ca } });
  t.after(() => agent.destroy());
  return getOverHttps(port, agent, {}, { host: NAME, lookup: loopback });
}

const client = { peer: nginx.program, ours: 'HTTPS client of a web server' };

interopTest({ ...client, what: 'its web certificate, our SVID', expected: 'accept' }, async (t) => {
  const { port } = await startWebFront(t);
  assert.equal(await callWeb(t, domains.own.socketOf('client'), port), 'reached');
  return NAME;
});

interopTest({ ...client, what: 'a web certificate for another name', expected: 'refuse' }, async (t) => {
  const { port, app } = await startWebFront(t, 'other.example.org');
  await assert.rejects(callWeb(t, domains.own.socketOf('client'), port), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  assert.equal(app.requests.length, 0);
  return 'ERR_TLS_CERT_ALTNAME_INVALID';
});

interopTest({ ...client, what: 'a web certificate of an unknown authority', expected: 'refuse' }, async (t) => {
  const { port, app } = await startWebFront(t);
  const { pem } = await createTestCa({ trustDomain: 'web.example', uris: [] });
  await assert.rejects(callWeb(t, domains.own.socketOf('client'), port, pem), {
    code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  });
  assert.equal(app.requests.length, 0);
  return 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
});

interopTest({ ...client, what: 'it refuses our client: foreign CA', expected: 'refuse' }, async (t) => {
  const { process, port, app } = await startWebFront(t);
  await assert.rejects(callWeb(t, domains.impostor.socketOf('client'), port), /HTTP 400/);
  await printed(process, /client SSL certificate verify error/);
  assert.equal(app.requests.length, 0);
  return 'HTTP 400';
});

/** Ours with a web certificate; verifies clients by SPIFFE ID. */
async function serveWeb(t: TestContext): Promise<OurServer> {
  const { certificatePem, keyPem } = await webCertificateFor(NAME);
  const webCertificate = createWebCertificate({ certificatePem, privateKeyPem: keyPem });
  const bundles = await sourceOf(t, domains.own.socketOf('server'));
  const options = { webCertificate, bundles, authorize: authorizeId(idOf('client')) };
  return listenHttps(t, (onRefused, listener) => createSpiffeHttpsServer({ ...options, onRefused }, listener));
}

/** curl trusts `ca` and asks for `name`. */
async function get(t: TestContext, port: number, ca: string, args: readonly string[] = [], name = NAME) {
  const { bundle } = await writeIdentity(t, { certificatePem: '', keyPem: '', bundlePem: ca });
  const address = ['--connect-to', `::127.0.0.1:${port}`, `https://${name}:${port}/`];
  const options = ['--silent', '--show-error', '--cacert', bundle, ...args];
  return runProgram(t, { command: curl.command, args: [...options, ...address] });
}

async function present(t: TestContext, endpoint: string): Promise<string[]> {
  const files = await writeIdentity(t, await identityOf(endpoint));
  return ['--cert', files.certificate, '--key', files.key];
}

const server = { peer: curl.program, ours: 'HTTPS server with a web certificate' };

interopTest({ ...server, what: 'the named ID', expected: 'accept' }, async (t) => {
  const { port } = await serveWeb(t);
  const { code, text } = await get(t, port, web.pem, await present(t, domains.own.socketOf('client')));
  assert.equal(code, 0, text);
  assert.equal(text, `Hello ${idOf('client')}`);
  return `${idOf('client')}`;
});

for (const [what, args, expected] of [
  ['an ID that is not named', (t) => present(t, domains.own.socketOf('stranger')), 'PEER_NOT_AUTHORIZED'],
  ['the named ID under a foreign CA', (t) => present(t, domains.impostor.socketOf('client')), 'UNTRUSTED_CHAIN'],
  ['no certificate', async () => [], 'NO_PEER_CERTIFICATE'],
] satisfies ReadonlyArray<readonly [string, (t: TestContext) => Promise<string[]>, string]>) {
  interopTest({ ...server, what, expected: 'refuse' }, async (t) => {
    const ours = await serveWeb(t);
    assert.notEqual((await get(t, ours.port, web.pem, await args(t))).code, 0);
    assert.deepEqual(ours.peers, []);
    const refusal = await ours.refused();
    assert.equal(refusal.code, expected);
    return refusal.code;
  });
}

interopTest(
  { peer: curl.program, ours: 'HTTPS server that asks for no client certificate', what: 'no peer', expected: 'accept' },
  async (t) => {
    const source = await sourceOf(t, domains.own.socketOf('server'));
    const { port } = await listenHttps(t, (onRefused, listener) =>
      createSpiffeHttpsServer({ source, clientCertificate: 'none', onRefused }, listener),
    );
    const { bundlePem } = await identityOf(domains.own.socketOf('client'));
    // A certificate that it was not asked for is not sent, so that nobody becomes a peer by it.
    const args = await present(t, domains.own.socketOf('client'));
    const { code, text } = await get(t, port, bundlePem, args, 'server.example.org');
    assert.equal(code, 0, text);
    assert.equal(text, 'Hello undefined');
    return 'no peer';
  },
);
