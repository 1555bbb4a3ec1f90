/**
 * nginx in front of a plain application with our client before it, and in front of our server as its client. It verifies by
 * CA, and a server by its host name too; it knows no URI SANs, so who the client is has to be decided behind it.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, type TestContext } from 'node:test';
import { authorizeId, createStaticX509Source, SpiffeTlsError } from '@countersign/spiffe-tls';
import { interopTest } from './interop.ts';
import { startNginx } from './nginx-process.ts';
import {
  callGrpc,
  callHttps,
  getOverHttps,
  ONE_REQUEST,
  type OurServer,
  openAgent,
  serveGrpc,
  serveHttps,
  sourceOf,
} from './our-side.ts';
import { callPlain, type PlainApp, startPlainApp } from './plain-app.ts';
import { findProgram, identityOf, printed, writeIdentity } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains, type WorkloadName } from './trust-domains.ts';

const { program: peer, command } = findProgram('nginx', ['-v'], /nginx\/(\d+\.\d+)/);
const client = { peer, ours: 'HTTPS client' };
const server = { peer, ours: 'HTTPS server' };
const authorizeServer = authorizeId(idOf('server'));

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains();
});
after(() => domains.close());

type Domain = 'own' | 'impostor';

/** `ssl_verify_client on` by the own trust domain's CAs, in front of a plain application. */
async function startFront(t: TestContext, domain: Domain, workload: WorkloadName) {
  const app = await startPlainApp(t);
  const files = await writeIdentity(t, await identityOf(domains[domain].socketOf(workload)));
  const { bundle } = await writeIdentity(t, await identityOf(domains.own.socketOf('server')));
  const directives = [
    `ssl_certificate ${files.certificate};`,
    `ssl_certificate_key ${files.key};`,
    'ssl_protocols TLSv1.3;',
    'ssl_session_cache shared:sessions:1m;',
    'ssl_session_tickets on;',
    `ssl_client_certificate ${bundle};`,
    'ssl_verify_client on;',
    'location / {',
    `proxy_pass http://127.0.0.1:${app.port};`,
    'proxy_set_header x-verified $ssl_client_verify;',
    'proxy_set_header x-certificate $ssl_client_escaped_cert;',
    'proxy_set_header x-reused $ssl_session_reused;',
    '}',
  ];
  const { process, port } = await startNginx(t, command, directives, 'ssl');
  return { process, port, app };
}

/** The SPIFFE ID in the certificate that nginx has verified and passes on. */
function passedOn({ requests }: PlainApp): string {
  const [headers] = requests;
  assert.equal(headers?.['x-verified'], 'SUCCESS');
  const certificate = new X509Certificate(decodeURIComponent(String(headers['x-certificate'])));
  return String(certificate.subjectAltName);
}

interopTest(
  { ...client, what: 'ssl_verify_client: the named ID, and it passes ours on', expected: 'accept' },
  async (t) => {
    const { port, app } = await startFront(t, 'own', 'server');
    assert.equal(await callHttps(t, domains.own.socketOf('client'), port, authorizeServer), 'reached');
    assert.match(passedOn(app), /^URI:spiffe:\/\/example\.org\/client,/);
    return `${idOf('server')}`;
  },
);

interopTest({ ...client, what: 'ssl_verify_client: any ID of our trust domain', expected: 'accept' }, async (t) => {
  const { port, app } = await startFront(t, 'own', 'server');
  assert.equal(await callHttps(t, domains.own.socketOf('stranger'), port, authorizeServer), 'reached');
  assert.match(passedOn(app), /^URI:spiffe:\/\/example\.org\/stranger,/);
  return 'nginx knows no URI SANs: the application behind it has to decide';
});

// T1
interopTest(
  { ...client, what: 'it caches sessions: our next connection is a new one', expected: 'accept' },
  async (t) => {
    const { port, app } = await startFront(t, 'own', 'server');
    const agent = await openAgent(t, domains.own.socketOf('client'), authorizeServer);
    for (let connections = 0; connections < 3; connections += 1) await getOverHttps(port, agent, ONE_REQUEST);
    assert.deepEqual(
      app.requests.map((headers) => headers['x-reused']),
      ['.', '.', '.'],
    );
    return 'full handshakes';
  },
);

for (const [what, domain, workload, code] of [
  ['another ID than expected', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
  ['the expected ID under a foreign CA', 'impostor', 'server', 'UNTRUSTED_CHAIN'],
] as const) {
  interopTest({ ...client, what, expected: 'refuse' }, async (t) => {
    const { port, app } = await startFront(t, domain, workload);
    await assert.rejects(callHttps(t, domains.own.socketOf('client'), port, authorizeServer), (error) => {
      assert.ok(error instanceof SpiffeTlsError, `${error}`);
      assert.equal(error.code, code);
      return true;
    });
    assert.equal(app.requests.length, 0);
    return code;
  });
}

interopTest({ ...client, what: 'it refuses our client: foreign CA', expected: 'refuse' }, async (t) => {
  const { process, port, app } = await startFront(t, 'own', 'server');
  // With the own bundles our client accepts it, so that the verdict is nginx's.
  const { bundles } = (await sourceOf(t, domains.own.socketOf('client'))).current();
  const { svid, svids } = (await sourceOf(t, domains.impostor.socketOf('client'))).current();
  const source = createStaticX509Source({ svid, svids, bundles });
  await assert.rejects(callHttps(t, source, port, authorizeServer), /HTTP 400/);
  await printed(process, /client SSL certificate verify error/);
  assert.equal(app.requests.length, 0);
  return 'HTTP 400';
});

/** nginx as the client of our server. */
async function startBack(t: TestContext, ours: OurServer, domain: Domain, workload: WorkloadName, name: string) {
  const files = await writeIdentity(t, await identityOf(domains[domain].socketOf(workload)));
  const { bundle } = await writeIdentity(t, await identityOf(domains.own.socketOf('client')));
  const directives = [
    'location / {',
    `proxy_pass https://127.0.0.1:${ours.port};`,
    `proxy_ssl_certificate ${files.certificate};`,
    `proxy_ssl_certificate_key ${files.key};`,
    `proxy_ssl_trusted_certificate ${bundle};`,
    'proxy_ssl_verify on;',
    `proxy_ssl_name ${name};`,
    'proxy_ssl_server_name on;',
    'proxy_ssl_protocols TLSv1.3;',
    'proxy_ssl_session_reuse on;',
    '}',
  ];
  return startNginx(t, command, directives, '');
}

function serve(t: TestContext, domain: Domain = 'own'): Promise<OurServer> {
  return serveHttps(t, domains[domain].socketOf('server'), authorizeId(idOf('client')));
}

// T1
interopTest({ ...server, what: 'proxy_ssl: the named ID, no session resumed', expected: 'accept' }, async (t) => {
  const ours = await serve(t);
  const { port } = await startBack(t, ours, 'own', 'client', 'server.example.org');
  for (let connections = 0; connections < 3; connections += 1)
    assert.deepEqual(await callPlain({ port }), { status: 200, body: `Hello ${idOf('client')}` });
  assert.deepEqual([ours.peers.length, ours.refusals], [3, []]);
  return `${idOf('client')}`;
});

for (const [what, domain, workload, code] of [
  ['an ID that is not named', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
  ['the named ID under a foreign CA', 'impostor', 'client', 'UNTRUSTED_CHAIN'],
] as const) {
  interopTest({ ...server, what, expected: 'refuse' }, async (t) => {
    const ours = await serve(t);
    const { port } = await startBack(t, ours, domain, workload, 'server.example.org');
    assert.equal((await callPlain({ port })).status, 502);
    const refusal = await ours.refused();
    assert.equal(refusal.code, code);
    assert.deepEqual(ours.peers, []);
    return refusal.code;
  });
}

for (const [what, domain, name, logged] of [
  [
    'our server has not the DNS name that it asks for',
    'own',
    'other.example.org',
    /upstream SSL certificate does not match/,
  ],
  [
    'our server is of a CA that it does not know',
    'impostor',
    'server.example.org',
    /upstream SSL certificate verify error/,
  ],
] as const) {
  interopTest({ ...server, what, expected: 'refuse' }, async (t) => {
    const ours = await serve(t, domain);
    const { process, port } = await startBack(t, ours, 'own', 'client', name);
    assert.equal((await callPlain({ port })).status, 502);
    await printed(process, logged);
    assert.deepEqual(ours.peers, []);
    return 'refused by nginx';
  });
}

interopTest(
  {
    peer,
    ours: 'gRPC client and server',
    what: 'a unary call and a stream through it, mTLS on either side',
    expected: 'accept',
  },
  async (t) => {
    const ours = await serveGrpc(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
    const front = await writeIdentity(t, await identityOf(domains.own.socketOf('server')));
    const back = await writeIdentity(t, await identityOf(domains.own.socketOf('client')));
    const directives = [
      `ssl_certificate ${front.certificate};`,
      `ssl_certificate_key ${front.key};`,
      'ssl_protocols TLSv1.3;',
      `ssl_client_certificate ${front.bundle};`,
      'ssl_verify_client on;',
      'location / {',
      `grpc_pass grpcs://127.0.0.1:${ours.port};`,
      `grpc_ssl_certificate ${back.certificate};`,
      `grpc_ssl_certificate_key ${back.key};`,
      `grpc_ssl_trusted_certificate ${back.bundle};`,
      'grpc_ssl_verify on;',
      'grpc_ssl_name server.example.org;',
      'grpc_ssl_protocols TLSv1.3;',
      '}',
    ];
    const { port } = await startNginx(t, command, directives, 'ssl http2');
    const answer = await callGrpc(t, domains.own.socketOf('client'), port, authorizeServer);
    assert.equal(answer, 'SERVING');
    assert.equal(ours.peers[0], `${idOf('client')}`);
    return 'SERVING';
  },
);
