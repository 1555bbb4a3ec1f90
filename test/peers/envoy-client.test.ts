/**
 * Envoy as the client of our servers: plain requests go in, mutual TLS comes out. T36: it verifies us by the bundle of our
 * own trust domain and by URI SAN alone.
 */
import assert from 'node:assert/strict';
import { after, before, type TestContext } from 'node:test';
import { authorizeId, createStaticX509Source } from '@countersign/spiffe-tls';
import { createTestCa, type TestCa } from '@countersign/testkit';
import { type Envoy, type EnvoyTls, startEnvoy } from './envoy-process.ts';
import { interopTest } from './interop.ts';
import { serveHttp2 } from './our-http2.ts';
import { callGrpc, type OurServer, serveGrpc, serveHttps } from './our-side.ts';
import { callPlain } from './plain-app.ts';
import { findProgram, identityOf, writeIdentity } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains, type WorkloadName } from './trust-domains.ts';

const { program: peer, command } = findProgram('envoy', ['--version'], /\/(\d+\.\d+\.\d+)\//);
const [CLIENT, SERVER] = [`${idOf('client')}`, `${idOf('server')}`];

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains();
});
after(() => domains.close());

type Domain = 'own' | 'partner' | 'impostor';
const KINDS = [
  { ours: 'HTTPS server', serve: serveHttps, protocol: 'http/1.1' },
  { ours: 'HTTP/2 server', serve: serveHttp2, protocol: 'h2' },
] as const;

/** What Envoy presents, and the bundles of both trust domains. */
async function tlsOf(t: TestContext, domain: Domain, workload: WorkloadName, expected = SERVER): Promise<EnvoyTls> {
  const identity = await writeIdentity(t, await identityOf(domains[domain].socketOf(workload)));
  const own = await writeIdentity(t, await identityOf(domains.own.socketOf('server')));
  const partner = await writeIdentity(t, await identityOf(domains.partner.socketOf('server')));
  return {
    identity,
    bundles: { files: { 'example.org': own.bundle, 'partner.example': partner.bundle } },
    peer: expected,
  };
}

/** Envoy answers for a server that it refused, or that refused it. */
async function assertRefused(envoy: Envoy, ours: OurServer): Promise<void> {
  assert.equal((await callPlain({ port: envoy.port })).status, 503);
  assert.deepEqual(ours.peers, []);
}

for (const { ours, serve, protocol } of KINDS) {
  for (const [what, domain] of [
    ['the named ID', 'own'],
    ["a federated trust domain's client", 'partner'],
  ] as const) {
    interopTest({ peer, ours, what, expected: 'accept' }, async (t) => {
      const id = idOf('client', domain === 'own' ? 'example.org' : 'partner.example');
      const server = await serve(t, domains.own.socketOf('server'), authorizeId(id));
      const upstream = await tlsOf(t, domain, 'client');
      const { port } = await startEnvoy(t, command, { upstream, target: server.port, protocol });
      assert.deepEqual(await callPlain({ port }), { status: 200, body: `Hello ${id}` });
      assert.deepEqual(server.peers, [`${id}`]);
      return `${id}`;
    });
  }

  for (const [what, domain, workload, code] of [
    ['an ID that is not named', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
    ['the named ID under a foreign CA', 'impostor', 'client', 'UNTRUSTED_CHAIN'],
  ] as const) {
    interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
      const server = await serve(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
      const upstream = await tlsOf(t, domain, workload);
      const envoy = await startEnvoy(t, command, { upstream, target: server.port, protocol });
      await assertRefused(envoy, server);
      assert.equal((await server.refused()).code, code);
      return code;
    });
  }

  for (const [what, domain, workload, counter] of [
    ['our server is not the one it expects', 'own', 'stranger', 'ssl.fail_verify_san'],
    ['our server is of a CA that it does not know', 'impostor', 'server', 'ssl.fail_verify_error'],
  ] as const) {
    interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
      const server = await serve(t, domains[domain].socketOf(workload), authorizeId(idOf('client')));
      const upstream = await tlsOf(t, 'own', 'client');
      const envoy = await startEnvoy(t, command, { upstream, target: server.port, protocol });
      await assertRefused(envoy, server);
      assert.ok((await envoy.counter(counter)) > 0);
      return `refused by Envoy: ${counter.endsWith('san') ? 'URI SAN' : 'chain'}`;
    });
  }
}

// T1
interopTest(
  { peer, ours: 'HTTPS server', what: 'it keeps sessions: none is resumed', expected: 'accept' },
  async (t) => {
    const server = await serveHttps(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
    const upstream = await tlsOf(t, 'own', 'client');
    const { port, counter } = await startEnvoy(t, command, { upstream, target: server.port });
    for (let connections = 0; connections < 3; connections += 1) assert.equal((await callPlain({ port })).status, 200);
    assert.equal(await counter('ssl.handshake'), 3);
    assert.equal(await counter('ssl.session_reused'), 0);
    assert.deepEqual([server.peers.length, server.refusals], [3, []]);
    return 'full handshakes';
  },
);

/** Two trust domains whose CAs are at hand, so that one can forge the other's IDs. Both know both bundles. */
async function startForgers(t: TestContext) {
  const [own, partner] = [
    await createTestCa({ trustDomain: 'example.org' }),
    await createTestCa({ trustDomain: 'partner.example' }),
  ];
  const sourceOf = async (ca: TestCa, id: string) => {
    const { svid, svids } = ca.context(await ca.issue({ uris: [id] }));
    const { bundles } = own.context(await own.issue(), partner.bundle());
    return createStaticX509Source({ svid, svids, bundles });
  };
  const envoyTls = async (ca: TestCa): Promise<EnvoyTls> => {
    const identity = await writeIdentity(t, { ...(await ca.issue({ uris: [CLIENT] })), bundlePem: own.pem });
    const other = await writeIdentity(t, { ...(await partner.issue()), bundlePem: partner.pem });
    return {
      identity,
      bundles: { files: { 'example.org': identity.bundle, 'partner.example': other.bundle } },
      peer: SERVER,
    };
  };
  return { own, partner, sourceOf, envoyTls };
}

// T4
interopTest(
  { peer, ours: 'HTTPS server', what: "our ID signed by the partner's CA", expected: 'refuse' },
  async (t) => {
    const { own, partner, sourceOf, envoyTls } = await startForgers(t);
    const server = await serveHttps(t, await sourceOf(own, SERVER), authorizeId(idOf('client')));
    const envoy = await startEnvoy(t, command, { upstream: await envoyTls(partner), target: server.port });
    await assertRefused(envoy, server);
    assert.equal((await server.refused()).code, 'UNTRUSTED_CHAIN');
    return 'UNTRUSTED_CHAIN';
  },
);

// T4, T36
interopTest(
  { peer, ours: 'HTTPS server', what: "our server has its ID from the partner's CA", expected: 'refuse' },
  async (t) => {
    const { own, partner, sourceOf, envoyTls } = await startForgers(t);
    const forger = await serveHttps(t, await sourceOf(partner, SERVER), authorizeId(idOf('client')));
    const envoy = await startEnvoy(t, command, { upstream: await envoyTls(own), target: forger.port });
    await assertRefused(envoy, forger);
    assert.ok((await envoy.counter('ssl.fail_verify_error')) > 0);
    return 'refused by Envoy: chain';
  },
);

interopTest(
  {
    peer,
    ours: 'gRPC client and server',
    what: 'a unary call and a stream through it, mTLS on either side',
    expected: 'accept',
  },
  async (t) => {
    const server = await serveGrpc(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
    const downstream = await tlsOf(t, 'own', 'server', CLIENT);
    const upstream = await tlsOf(t, 'own', 'client');
    const envoy = await startEnvoy(t, command, { downstream, upstream, target: server.port, protocol: 'h2' });
    const answer = await callGrpc(t, domains.own.socketOf('client'), envoy.port, authorizeId(idOf('server')));
    assert.equal(answer, 'SERVING');
    assert.equal(server.peers[0], CLIENT);
    return 'SERVING';
  },
);
