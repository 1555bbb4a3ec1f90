/**
 * `openssl s_server` against our HTTPS client. It verifies chains by one CA file and knows no SPIFFE IDs.
 */
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { authorizeId, createStaticX509Source, SpiffeTlsError } from '@countersign/spiffe-tls';
import { createTestCa, KeyPurpose, type TestCa } from '@countersign/testkit';
import { interopTest } from './interop.ts';
import { callHttps, getOverHttps, type Identity, openAgent } from './our-side.ts';
import { type PeerProcess, startPeer } from './peer-process.ts';
import { findProgram, type IdentityFiles, identityOf, printed, textOf, writeIdentity } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

const { program: peer, command } = findProgram('openssl', ['version'], /^OpenSSL (\d+\.\d+)/);
const ours = 'HTTPS client';

let domains: PeerTrustDomains;
let ca: TestCa;
before(async () => {
  domains = await startTrustDomains();
  ca = await createTestCa({ trustDomain: 'example.org' });
});
after(() => domains.close());

interface TheirServer extends PeerProcess {
  readonly port: number;
}

/** Requires a certificate under the CAs of `files.bundle`; answers each GET with a page about the connection. */
async function serve(t: TestContext, files: IdentityFiles, args: readonly string[] = []): Promise<TheirServer> {
  const chain = ['-cert', files.certificate, '-cert_chain', files.certificate, '-key', files.key];
  const verify = ['-CAfile', files.bundle, '-Verify', '5', '-verify_return_error'];
  const common = ['s_server', '-accept', '127.0.0.1:0', '-www', ...chain, ...verify];
  const server = startPeer(t, { command, args: [...common, ...args] });
  const listening = await printed(server, /^ACCEPT 127\.0\.0\.1:\d+/);
  return { ...server, port: Number(listening.slice(listening.lastIndexOf(':') + 1)) };
}

async function filesOf(t: TestContext, domain: 'own' | 'impostor', workload: 'server' | 'stranger') {
  return writeIdentity(t, await identityOf(domains[domain].socketOf(workload)));
}

function call(t: TestContext, as: Identity, { port }: TheirServer): Promise<string> {
  return callHttps(t, as, port, authorizeId(idOf('server')));
}

/** Our client must refuse, with this code. */
async function refusedBy(t: TestContext, as: Identity, server: TheirServer, code: string): Promise<string> {
  await assert.rejects(call(t, as, server), (error) => {
    assert.ok(error instanceof SpiffeTlsError, `${error}`);
    assert.equal(error.code, code);
    return true;
  });
  return code;
}

// T3: nothing in its certificate says 127.0.0.1.
interopTest({ peer, ours, what: 'the named ID, and its page names ours', expected: 'accept' }, async (t) => {
  const server = await serve(t, await filesOf(t, 'own', 'server'));
  const page = await call(t, domains.own.socketOf('client'), server);
  assert.match(page, /New, TLSv1\.3/);
  assert.match(page, /URI:spiffe:\/\/example\.org\/client/);
  return `${idOf('server')}`;
});

// T1
interopTest(
  { peer, ours, what: 'it gives out tickets: our next connection is a new one', expected: 'accept' },
  async (t) => {
    const server = await serve(t, await filesOf(t, 'own', 'server'), ['-num_tickets', '4']);
    const agent = await openAgent(t, domains.own.socketOf('client'), authorizeId(idOf('server')));
    for (let connections = 1; connections <= 3; connections += 1) {
      const page = await getOverHttps(server.port, agent);
      assert.match(page, /^New, TLSv1\.3/m);
      assert.match(page, new RegExp(`^ +${connections} server accepts that finished`, 'm'));
      assert.match(page, /^ +0 session cache hits/m);
    }
    return 'full handshakes';
  },
);

for (const [what, domain, workload, code] of [
  ['another ID than expected', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
  ['the expected ID under a foreign CA', 'impostor', 'server', 'UNTRUSTED_CHAIN'],
] as const) {
  interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
    const files = await filesOf(t, domain, workload);
    const { bundle } = await filesOf(t, 'own', 'server');
    return refusedBy(t, domains.own.socketOf('client'), await serve(t, { ...files, bundle }), code);
  });
}

const HOUR_MS = 3_600_000;
// L10, L11, L15, L16
for (const [what, issue, code] of [
  ['extended key usage without serverAuth', { extendedKeyUsage: [KeyPurpose.clientAuth] }, 'EXTENDED_KEY_USAGE'],
  ['expired', { notAfter: new Date(Date.now() - 1000) }, 'EXPIRED'],
  [
    'not valid yet',
    { notBefore: new Date(Date.now() + HOUR_MS), notAfter: new Date(Date.now() + 2 * HOUR_MS) },
    'NOT_YET_VALID',
  ],
  ['a DNS name and no URI SAN', { uris: [], dnsNames: ['localhost'] }, 'URI_SAN_COUNT'],
  ["a trust domain's own ID", { uris: ['spiffe://example.org'] }, 'SVID_PATH_EMPTY'],
] as const) {
  interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
    const broken = await ca.issue({ path: '/server', ...issue });
    const server = await serve(t, await writeIdentity(t, { ...broken, bundlePem: ca.pem }));
    const source = createStaticX509Source(ca.context(await ca.issue({ path: '/client' })));
    return refusedBy(t, source, server, code);
  });
}

interopTest({ peer, ours, what: 'TLS 1.2 at most', expected: 'refuse' }, async (t) => {
  const server = await serve(t, await filesOf(t, 'own', 'server'), ['-tls1_2']);
  await assert.rejects(call(t, domains.own.socketOf('client'), server), /protocol version/i);
  return 'no common TLS version';
});

interopTest({ peer, ours, what: 'it refuses our client: foreign CA', expected: 'refuse' }, async (t) => {
  const files = await filesOf(t, 'own', 'server');
  const { bundle } = await filesOf(t, 'impostor', 'server');
  const server = await serve(t, { ...files, bundle });
  await assert.rejects(call(t, domains.own.socketOf('client'), server), /unknown ca|ECONNRESET|socket hang up/);
  await printed(server, /certificate verify failed/);
  assert.doesNotMatch(textOf(server), /HTTP\/1\.0 200/);
  return 'refused by OpenSSL';
});
