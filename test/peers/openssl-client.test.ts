/**
 * `openssl s_client` against our HTTPS server: what a peer with a free hand over its handshake may try.
 */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { authorizeId, createStaticX509Source, type SpiffeTlsErrorCode } from '@countersign/spiffe-tls';
import { createTestCa, KeyPurpose, type TestCa } from '@countersign/testkit';
import { interopTest } from './interop.ts';
import { type OurServer, serveHttps } from './our-side.ts';
import { startPeer } from './peer-process.ts';
import {
  findProgram,
  identityOf,
  type Outcome,
  printed,
  runProgram,
  scratchDirectory,
  writeIdentity,
} from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

const { program: peer, command } = findProgram('openssl', ['version'], /^OpenSSL (\d+\.\d+)/);
const ours = 'HTTPS server';
const REQUEST = 'GET / HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n';

let domains: PeerTrustDomains;
let ca: TestCa;
before(async () => {
  domains = await startTrustDomains({ intermediates: 2 });
  ca = await createTestCa({ trustDomain: 'example.org' });
});
after(() => domains.close());

/** One connection and one request over it. */
function ask(t: TestContext, { port }: OurServer, args: readonly string[], input = REQUEST): Promise<Outcome> {
  return runProgram(t, { command, args: ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...args] }, input);
}

function serve(t: TestContext): Promise<OurServer> {
  return serveHttps(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
}

/** The options that present an identity. */
async function present(t: TestContext, endpoint: string): Promise<string[]> {
  const files = await writeIdentity(t, await identityOf(endpoint));
  return ['-cert', files.certificate, '-cert_chain', files.certificate, '-key', files.key];
}

async function assertRefused(server: OurServer, seen: Outcome, code: SpiffeTlsErrorCode): Promise<string> {
  assert.doesNotMatch(seen.text, /Hello/);
  assert.deepEqual(server.peers, []);
  assert.equal((await server.refused()).code, code);
  return code;
}

interopTest({ peer, ours, what: 'mTLS, a leaf under two intermediates', expected: 'accept' }, async (t) => {
  const server = await serve(t);
  const files = await writeIdentity(t, await identityOf(domains.own.socketOf('client')));
  const verify = ['-CAfile', files.bundle, '-verify_return_error', '-verify', '5'];
  const seen = await ask(t, server, [...(await present(t, domains.own.socketOf('client'))), ...verify]);
  assert.match(seen.text, /Verify return code: 0 \(ok\)/, 'openssl verified our server by the bundle');
  assert.match(seen.text, /^New, TLSv1\.3/m);
  assert.match(seen.text, /Hello spiffe:\/\/example\.org\/client/);
  assert.deepEqual(server.peers, [`${idOf('client')}`]);
  return `${idOf('client')}`;
});

for (const [what, domain, workload, code] of [
  ['an ID that is not named', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
  ["a federated trust domain's ID that is not named", 'partner', 'client', 'PEER_NOT_AUTHORIZED'],
  ['the named ID under a foreign CA', 'impostor', 'client', 'UNTRUSTED_CHAIN'],
] as const) {
  interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
    const server = await serve(t);
    const seen = await ask(t, server, await present(t, domains[domain].socketOf(workload)));
    return assertRefused(server, seen, code);
  });
}

interopTest({ peer, ours, what: 'no certificate', expected: 'refuse' }, async (t) => {
  const server = await serve(t);
  return assertRefused(server, await ask(t, server, []), 'NO_PEER_CERTIFICATE');
});

for (const [what, version] of [
  ['TLS 1.2, with legacy renegotiation', ['-tls1_2', '-legacy_renegotiation']],
  ['TLS 1.1', ['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0']],
] as const) {
  interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
    const server = await serve(t);
    const seen = await ask(t, server, [...(await present(t, domains.own.socketOf('client'))), ...version]);
    assert.match(seen.text, /alert protocol version/);
    return assertRefused(server, seen, 'NOT_VERIFIED');
  });
}

/** L21: leaf first in each; what else is sent differs. */
const CHAINS = [
  ['leaf and intermediates, in the wrong order', (leaf, below, above) => [leaf, above, below], undefined],
  ['the root sent along', (leaf, below, above, root) => [leaf, below, above, root], undefined],
  ['an intermediate missing', (leaf, _below, above) => [leaf, above], 'UNTRUSTED_CHAIN'],
  ['the leaf alone', (leaf) => [leaf], 'UNTRUSTED_CHAIN'],
] satisfies ReadonlyArray<
  readonly [string, (...sent: [string, string, string, string]) => string[], SpiffeTlsErrorCode | undefined]
>;

for (const [what, arrange, code] of CHAINS) {
  interopTest({ peer, ours, what, expected: code === undefined ? 'accept' : 'refuse' }, async (t) => {
    const server = await serve(t);
    const pem = await identityOf(domains.own.socketOf('client'));
    const [leaf = '', below = '', above = ''] = pem.certificatePem.split(/(?<=-----END CERTIFICATE-----\n)/);
    const files = await writeIdentity(t, {
      ...pem,
      certificatePem: arrange(leaf, below, above, pem.bundlePem).join(''),
    });
    const args = ['-cert', files.certificate, '-cert_chain', files.certificate, '-key', files.key];
    const seen = await ask(t, server, args);
    if (code !== undefined) return assertRefused(server, seen, code);
    assert.match(seen.text, /Hello spiffe:\/\/example\.org\/client/);
    return `${idOf('client')}`;
  });
}

const HOUR_MS = 3_600_000;
// L10, L13, L14, L15, L16
const serverAuthOnly = { extendedKeyUsage: [KeyPurpose.serverAuth] };
for (const [what, issue, code] of [
  ['extended key usage without clientAuth', serverAuthOnly, 'EXTENDED_KEY_USAGE'],
  ['no key usage', { keyUsage: null }, 'KEY_USAGE'],
  ['expired', { notAfter: new Date(Date.now() - 1000) }, 'EXPIRED'],
  [
    'not valid yet',
    { notBefore: new Date(Date.now() + HOUR_MS), notAfter: new Date(Date.now() + 2 * HOUR_MS) },
    'NOT_YET_VALID',
  ],
  ['two URI SANs', { uris: [`${idOf('client')}`, `${idOf('server')}`] }, 'URI_SAN_COUNT'],
  ['a CA certificate as the leaf', { isCa: true, keyUsage: 32 }, 'SVID_IS_CA'],
] as const) {
  interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
    const own = await ca.issue({ path: '/server' });
    const server = await serveHttps(t, createStaticX509Source(ca.context(own)), authorizeId(idOf('client')));
    const broken = await ca.issue({ path: '/client', ...issue });
    const files = await writeIdentity(t, { ...broken, bundlePem: ca.pem });
    const seen = await ask(t, server, ['-cert', files.certificate, '-key', files.key]);
    return assertRefused(server, seen, code);
  });
}

// T4
interopTest(
  { peer, ours, what: "a partner's CA that signs an ID of ours, sent as intermediate", expected: 'refuse' },
  async (t) => {
    const partner = await createTestCa({ trustDomain: 'partner.example' });
    const own = await ca.issue({ path: '/server' });
    const source = createStaticX509Source(ca.context(own, partner.bundle()));
    const server = await serveHttps(t, source, authorizeId(idOf('client')));
    const forged = await partner.issue({ uris: [`${idOf('client')}`] });
    const files = await writeIdentity(t, {
      ...forged,
      certificatePem: forged.certificatePem + partner.pem,
      bundlePem: ca.pem,
    });
    const args = ['-cert', files.certificate, '-cert_chain', files.certificate, '-key', files.key];
    return assertRefused(server, await ask(t, server, args), 'UNTRUSTED_CHAIN');
  },
);

// T1
interopTest({ peer, ours, what: 'a saved session: a full handshake, judged anew', expected: 'refuse' }, async (t) => {
  let allowed = true;
  const server = await serveHttps(t, domains.own.socketOf('server'), () => (allowed ? undefined : 'nobody'));
  const session = join(await scratchDirectory(t), 'session.pem');
  const client = await present(t, domains.own.socketOf('client'));
  assert.match((await ask(t, server, [...client, '-sess_out', session])).text, /Hello/);
  assert.match(await readFile(session, 'utf8'), /SSL SESSION PARAMETERS/, 'there was a session to save');
  allowed = false;
  const second = await ask(t, server, [...client, '-sess_in', session]);
  assert.match(second.text, /^New, TLSv1\.3/m);
  assert.doesNotMatch(second.text, /^Reused|Hello/m);
  assert.equal((await server.refused()).code, 'PEER_NOT_AUTHORIZED');
  assert.equal(server.peers.length, 1);
  return 'PEER_NOT_AUTHORIZED';
});

interopTest({ peer, ours, what: 'early data with a saved session: none is taken', expected: 'accept' }, async (t) => {
  const server = await serve(t);
  const directory = await scratchDirectory(t);
  const [session, early] = [join(directory, 'session.pem'), join(directory, 'early')];
  await writeFile(early, 'GET /early HTTP/1.1\r\nHost: server\r\n\r\n');
  const client = await present(t, domains.own.socketOf('client'));
  await ask(t, server, [...client, '-sess_out', session]);
  const second = await ask(t, server, [...client, '-sess_in', session, '-early_data', early]);
  assert.match(second.text, /Early data was not sent|Early data was rejected/);
  assert.match(second.text, /^New, TLSv1\.3/m);
  assert.equal(server.peers.length, 2, 'each request came after its handshake');
  return `${idOf('client')}`;
});

interopTest(
  { peer, ours, what: 'new traffic keys in mid-connection: the same peer', expected: 'accept' },
  async (t) => {
    const server = await serve(t);
    const client = await present(t, domains.own.socketOf('client'));
    const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, ...client];
    const connection = startPeer(t, { command, args, stdin: true });
    await printed(connection, /^New, TLSv1\.3/);
    // A command of s_client's: new keys for both directions.
    connection.send('K\n');
    await printed(connection, /KEYUPDATE/);
    connection.send(REQUEST);
    await printed(connection, /Hello spiffe:\/\/example\.org\/client/);
    return `${idOf('client')}`;
  },
);
