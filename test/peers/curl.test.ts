/**
 * curl with our SVIDs, as people try a server out. It verifies a server by CA and host name: it knows no URI SANs.
 */
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { authorizeId } from '@countersign/spiffe-tls';
import { interopTest } from './interop.ts';
import { serveHttp2 } from './our-http2.ts';
import { type OurServer, serveHttps } from './our-side.ts';
import { findProgram, identityOf, type Outcome, runProgram, writeIdentity } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

const { program: peer, command } = findProgram('curl', ['--version'], /^curl (\d+\.\d+)/);
const ours = 'HTTPS server';
/** What curl ends with when it does not trust a server. */
const PEER_FAILED_VERIFICATION = 60;

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains();
});
after(() => domains.close());

function serve(t: TestContext): Promise<OurServer> {
  return serveHttps(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
}

/** One request. The name has to be one of the server's DNS SANs; it leads to 127.0.0.1 whatever it is. */
function get(
  t: TestContext,
  { port }: OurServer,
  args: readonly string[],
  name = 'server.example.org',
): Promise<Outcome> {
  const address = ['--connect-to', `::127.0.0.1:${port}`, `https://${name}:${port}/`];
  return runProgram(t, { command, args: ['--silent', '--show-error', '--include', ...args, ...address] });
}

/** The options that present an identity and trust one trust domain. */
async function present(t: TestContext, endpoint: string, trusted?: string): Promise<string[]> {
  const files = await writeIdentity(t, await identityOf(endpoint, trusted));
  return ['--cert', files.certificate, '--key', files.key, '--cacert', files.bundle];
}

for (const [kind, start, flag, status] of [
  ['HTTPS server', serveHttps, '--http1.1', 'HTTP/1.1 200'],
  ['HTTP/2 server', serveHttp2, '--http2', 'HTTP/2 200'],
] as const) {
  interopTest({ peer, ours: kind, what: 'the named ID', expected: 'accept' }, async (t) => {
    const server = await start(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
    const client = await present(t, domains.own.socketOf('client'));
    const { code, text } = await get(t, server, [...client, flag]);
    assert.equal(code, 0, text);
    assert.ok(text.startsWith(status), text);
    assert.match(text, /Hello spiffe:\/\/example\.org\/client/);
    return `${idOf('client')}`;
  });
}

interopTest({ peer, ours, what: "a federated trust domain's client", expected: 'accept' }, async (t) => {
  const id = idOf('client', 'partner.example');
  const server = await serveHttps(t, domains.own.socketOf('server'), authorizeId(id));
  const client = await present(t, domains.partner.socketOf('client'), 'example.org');
  const { code, text } = await get(t, server, client);
  assert.equal(code, 0, text);
  assert.match(text, /Hello spiffe:\/\/partner\.example\/client/);
  return `${id}`;
});

for (const [what, domain, workload, expected] of [
  ['an ID that is not named', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
  ["a federated trust domain's ID that is not named", 'partner', 'client', 'PEER_NOT_AUTHORIZED'],
  ['the named ID under a foreign CA', 'impostor', 'client', 'UNTRUSTED_CHAIN'],
] as const) {
  interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
    const server = await serve(t);
    const files = await writeIdentity(t, await identityOf(domains[domain].socketOf(workload)));
    const { bundlePem } = await identityOf(domains.own.socketOf('client'));
    const { bundle } = await writeIdentity(t, { certificatePem: '', keyPem: '', bundlePem });
    const client = ['--cert', files.certificate, '--key', files.key, '--cacert', bundle];
    const { code, text } = await get(t, server, client);
    assert.notEqual(code, 0, text);
    assert.deepEqual(server.peers, []);
    const refusal = await server.refused();
    assert.equal(refusal.code, expected);
    return refusal.code;
  });
}

interopTest({ peer, ours, what: 'no certificate', expected: 'refuse' }, async (t) => {
  const server = await serve(t);
  const { bundle } = await writeIdentity(t, await identityOf(domains.own.socketOf('client')));
  assert.notEqual((await get(t, server, ['--cacert', bundle])).code, 0);
  const refusal = await server.refused();
  assert.equal(refusal.code, 'NO_PEER_CERTIFICATE');
  return refusal.code;
});

interopTest({ peer, ours, what: 'TLS 1.2 at most', expected: 'refuse' }, async (t) => {
  const server = await serve(t);
  const client = await present(t, domains.own.socketOf('client'));
  assert.notEqual((await get(t, server, [...client, '--tls-max', '1.2'])).code, 0);
  const refusal = await server.refused();
  assert.equal(refusal.code, 'NOT_VERIFIED');
  return refusal.code;
});

interopTest({ peer, ours, what: 'our server is of a CA that it does not know', expected: 'refuse' }, async (t) => {
  const server = await serveHttps(t, domains.impostor.socketOf('server'), authorizeId(idOf('client')));
  const { code, text } = await get(t, server, await present(t, domains.own.socketOf('client')));
  assert.equal(code, PEER_FAILED_VERIFICATION, text);
  assert.deepEqual(server.peers, []);
  return 'refused by curl';
});

interopTest(
  { peer, ours, what: 'our server is not the one whose DNS name it calls', expected: 'refuse' },
  async (t) => {
    const server = await serveHttps(t, domains.own.socketOf('stranger'), authorizeId(idOf('client')));
    const { code, text } = await get(t, server, await present(t, domains.own.socketOf('client')));
    assert.equal(code, PEER_FAILED_VERIFICATION, text);
    assert.deepEqual(server.peers, []);
    return 'refused by curl, by the DNS SAN: it knows no URI SANs';
  },
);
