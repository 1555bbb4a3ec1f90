/**
 * Our clients against Envoy in front of a plain application. T36: mutual TLS with a bundle for each trust domain, matched by
 * URI SAN alone.
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { authorizeId, createStaticX509Source, SpiffeTlsError } from '@countersign/spiffe-tls';
import { createTestCa } from '@countersign/testkit';
import { type Envoy, type EnvoyTls, secretsOf, startEnvoy } from './envoy-process.ts';
import { interopTest } from './interop.ts';
import { callHttp2 } from './our-http2.ts';
import { callHttps, getOverHttps, ONE_REQUEST, openAgent } from './our-side.ts';
import { type PlainApp, startPlainApp } from './plain-app.ts';
import { findProgram, identityOf, scratchDirectory, writeIdentity } from './program.ts';
import { callUntil, presentedTo } from './rotation.ts';
import { idOf, type PeerTrustDomains, startTrustDomains, type WorkloadName } from './trust-domains.ts';

const { program: peer, command } = findProgram('envoy', ['--version'], /\/(\d+\.\d+\.\d+)\//);
const CLIENT = `${idOf('client')}`;
const authorizeServer = authorizeId(idOf('server'));
const https = { peer, ours: 'HTTPS client' };

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains();
});
after(() => domains.close());

type Domain = 'own' | 'partner' | 'impostor';
interface Front extends Envoy {
  readonly app: PlainApp;
}

/** What Envoy presents, and the bundles of both trust domains. */
async function tlsOf(t: TestContext, domain: Domain, workload: WorkloadName): Promise<EnvoyTls> {
  const identity = await writeIdentity(t, await identityOf(domains[domain].socketOf(workload)));
  const own = await writeIdentity(t, await identityOf(domains.own.socketOf('server')));
  const partner = await writeIdentity(t, await identityOf(domains.partner.socketOf('server')));
  return {
    identity,
    bundles: { files: { 'example.org': own.bundle, 'partner.example': partner.bundle } },
    peer: CLIENT,
  };
}

async function startFront(t: TestContext, downstream: EnvoyTls): Promise<Front> {
  const app = await startPlainApp(t);
  return { ...(await startEnvoy(t, command, { downstream, target: app.port })), app };
}

for (const [ours, call] of [
  ['HTTPS client', callHttps],
  ['HTTP/2 client', callHttp2],
] as const) {
  for (const [what, domain] of [
    ['the named ID', 'own'],
    ["a federated trust domain's server", 'partner'],
  ] as const) {
    interopTest({ peer, ours, what, expected: 'accept' }, async (t) => {
      const { port, app } = await startFront(t, await tlsOf(t, domain, 'server'));
      const server = idOf('server', domain === 'own' ? 'example.org' : 'partner.example');
      assert.equal(await call(t, domains.own.socketOf('client'), port, authorizeId(server)), 'reached');
      assert.equal(app.requests.length, 1);
      return `${server}`;
    });
  }
  for (const [what, domain, workload, code] of [
    ['another ID than expected', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
    ['the expected ID under a foreign CA', 'impostor', 'server', 'UNTRUSTED_CHAIN'],
  ] as const) {
    interopTest({ peer, ours, what, expected: 'refuse' }, async (t) => {
      const { port, app } = await startFront(t, await tlsOf(t, domain, workload));
      await assert.rejects(call(t, domains.own.socketOf('client'), port, authorizeServer), (error) => {
        assert.ok(error instanceof SpiffeTlsError, `${error}`);
        assert.equal(error.code, code);
        return true;
      });
      assert.equal(app.requests.length, 0);
      return code;
    });
  }
  interopTest({ peer, ours, what: 'it refuses our client: not named', expected: 'refuse' }, async (t) => {
    const { port, app, counter } = await startFront(t, await tlsOf(t, 'own', 'server'));
    await assert.rejects(call(t, domains.own.socketOf('stranger'), port, authorizeServer));
    assert.equal(await counter('ssl.fail_verify_san'), 1);
    assert.equal(app.requests.length, 0);
    return 'refused by Envoy: URI SAN';
  });
}

interopTest(
  { ...https, what: 'it refuses our client: a trust domain without a bundle', expected: 'refuse' },
  async (t) => {
    const tls = await tlsOf(t, 'own', 'server');
    const { bundle } = await writeIdentity(t, await identityOf(domains.own.socketOf('server')));
    const known = { files: { 'example.org': bundle } };
    const partner = `${idOf('client', 'partner.example')}`;
    const { port, app, counter } = await startFront(t, { ...tls, bundles: known, peer: partner });
    await assert.rejects(callHttps(t, domains.partner.socketOf('client'), port, authorizeServer));
    assert.equal(await counter('ssl.fail_verify_error'), 1);
    assert.equal(app.requests.length, 0);
    return 'refused by Envoy: chain';
  },
);

// T4, T36
interopTest(
  { ...https, what: "it refuses our client: our ID signed by the partner's CA", expected: 'refuse' },
  async (t) => {
    const [own, partner] = [
      await createTestCa({ trustDomain: 'example.org' }),
      await createTestCa({ trustDomain: 'partner.example' }),
    ];
    const server = await writeIdentity(t, { ...(await own.issue({ path: '/server' })), bundlePem: own.pem });
    const other = await writeIdentity(t, { ...(await own.issue()), bundlePem: partner.pem });
    const bundles = { files: { 'example.org': server.bundle, 'partner.example': other.bundle } };
    const { port, app, counter } = await startFront(t, { identity: server, bundles, peer: CLIENT });
    const forged = await partner.issue({ uris: [CLIENT] });
    const svid = forged.svid();
    const { bundles: known } = own.context(await own.issue());
    await assert.rejects(
      callHttps(t, createStaticX509Source({ svid, svids: [svid], bundles: known }), port, authorizeServer),
    );
    assert.equal(await counter('ssl.fail_verify_error'), 1);
    assert.equal(app.requests.length, 0);
    const honest = createStaticX509Source(own.context(await own.issue({ path: '/client' })));
    assert.equal(await callHttps(t, honest, port, authorizeServer), 'reached', 'the same ID under its own CA passes');
    return 'refused by Envoy: chain';
  },
);

/** Envoy refuses a map that holds a key of another use. */
function x509Only(bundleDocument: string): object {
  const document = JSON.parse(bundleDocument);
  return { ...document, keys: document.keys.filter(({ use }: { use: string }) => use === 'x509-svid') };
}

const bundleMap = 'it reads a SPIFFE bundle map of our bundle documents, without their JWT keys';
interopTest({ ...https, what: bundleMap, expected: 'accept' }, async (t) => {
  const map = join(await scratchDirectory(t), 'bundles.json');
  const [own, partner] = [await domains.own.bundleDocument(), await domains.partner.bundleDocument()];
  const content = { trust_domains: { 'example.org': x509Only(own), 'partner.example': x509Only(partner) } };
  await writeFile(map, JSON.stringify(content));
  const { port, counter } = await startFront(t, { ...(await tlsOf(t, 'own', 'server')), bundles: { map } });
  assert.equal(await callHttps(t, domains.own.socketOf('client'), port, authorizeServer), 'reached');
  await assert.rejects(callHttps(t, domains.impostor.socketOf('client'), port, authorizeServer));
  await assert.rejects(callHttps(t, domains.own.socketOf('stranger'), port, authorizeServer));
  assert.equal(await counter('ssl.fail_verify_san'), 1);
  return CLIENT;
});

interopTest({ ...https, what: 'a forged x-forwarded-client-cert is replaced', expected: 'accept' }, async (t) => {
  const { port, app } = await startFront(t, await tlsOf(t, 'own', 'server'));
  const forged = { 'x-forwarded-client-cert': 'URI=spiffe://example.org/admin' };
  await getOverHttps(port, await openAgent(t, domains.own.socketOf('client'), authorizeServer), forged);
  const seen = String(app.requests[0]?.['x-forwarded-client-cert']);
  assert.match(seen, /(^|;)URI=spiffe:\/\/example\.org\/client(;|$)/);
  assert.doesNotMatch(seen, /admin/);
  return `URI=${CLIENT}`;
});

// T1
interopTest(
  { ...https, what: 'it gives out tickets: our next connection is a new one', expected: 'accept' },
  async (t) => {
    const { port, counter } = await startFront(t, await tlsOf(t, 'own', 'server'));
    const agent = await openAgent(t, domains.own.socketOf('client'), authorizeServer);
    for (let connections = 0; connections < 3; connections += 1) await getOverHttps(port, agent, ONE_REQUEST);
    assert.equal(await counter('ssl.handshake'), 3);
    assert.equal(await counter('ssl.session_reused'), 0);
    return 'full handshakes';
  },
);

interopTest({ ...https, what: 'it takes a new SVID from a file of secrets (SDS)', expected: 'accept' }, async (t) => {
  const directory = await scratchDirectory(t);
  const [secrets, fresh] = [join(directory, 'svid.json'), join(directory, 'svid.json.new')];
  const write = async () => {
    const pem = await identityOf(domains.own.socketOf('server'));
    await writeFile(fresh, secretsOf(pem), { mode: 0o600 });
    await rename(fresh, secrets);
    return new X509Certificate(pem.certificatePem).serialNumber;
  };
  await write();
  const { port } = await startFront(t, { ...(await tlsOf(t, 'own', 'server')), identity: { secrets } });
  const presented = presentedTo(t, 'client');
  const agent = await openAgent(t, domains.own.socketOf('client'), authorizeServer);
  await getOverHttps(port, agent, ONE_REQUEST);
  await domains.own.rotate('server');
  const serial = await write();
  await callUntil(
    () => getOverHttps(port, agent, ONE_REQUEST),
    () => presented.at(-1)?.serialNumber === serial,
  );
  return 'the next connection has the new SVID';
});
