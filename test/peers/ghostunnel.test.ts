/**
 * ghostunnel takes its identity from our Workload API: in front of a plain application with our client before it, and as
 * the way out of a plain client to our server.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import { authorizeId, type Peer, SpiffeTlsError } from '@countersign/spiffe-tls';
import { interopTest } from './interop.ts';
import { callGrpc, callHttps, getOverHttps, openAgent, serveHttps } from './our-side.ts';
import { type PeerProcess, startPeer } from './peer-process.ts';
import { callPlain, type PlainApp, startPlainApp } from './plain-app.ts';
import { findProgram, freePort, printed, scratchDirectory } from './program.ts';
import { callUntil, presentedTo } from './rotation.ts';
import { idOf, type PeerTrustDomains, startTrustDomains, type WorkloadName } from './trust-domains.ts';

const { program: peer, command } = findProgram('ghostunnel', ['--version'], /^rev v(\d+\.\d+\.\d+)/m);
const [CLIENT, SERVER] = [`${idOf('client')}`, `${idOf('server')}`];

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains();
});
after(() => domains.close());

interface Tunnel {
  readonly process: PeerProcess;
  readonly app: PlainApp;
  readonly port: number;
}

type Domain = 'own' | 'partner' | 'impostor';

/** In front of a plain application. */
async function tunnelServer(t: TestContext, domain: Domain, workload: WorkloadName, allowed: string): Promise<Tunnel> {
  const app = await startPlainApp(t);
  const port = await freePort();
  const addresses = ['--listen', `127.0.0.1:${port}`, '--target', `127.0.0.1:${app.port}`];
  const identity = ['--use-workload-api-addr', domains[domain].socketOf(workload), '--allow-uri', allowed];
  const process = startPeer(t, { command, args: ['server', ...addresses, ...identity] });
  await printed(process, /listening for connections/);
  return { process, app, port };
}

/** The way out of a plain client. Returns the socket that it listens on. */
async function tunnelClient(t: TestContext, domain: Domain, workload: WorkloadName, target: number) {
  const socketPath = join(await scratchDirectory(t), 'tunnel.sock');
  const addresses = ['--listen', `unix:${socketPath}`, '--target', `localhost:${target}`];
  const identity = ['--use-workload-api-addr', domains[domain].socketOf(workload), '--verify-uri', SERVER];
  const process = startPeer(t, { command, args: ['client', ...addresses, ...identity] });
  await printed(process, /listening for connections/);
  return { process, socketPath };
}

/** Refused by our client with this code. */
function withCode(code: string) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SpiffeTlsError, `${error}`);
    assert.equal(error.code, code);
    return true;
  };
}

const client = { peer, ours: 'HTTPS client and Workload API' };
const server = { peer, ours: 'HTTPS server and Workload API' };
const authorizeServer = authorizeId(idOf('server'));

for (const [what, domain] of [
  ['the named ID', 'own'],
  ["a federated trust domain's server", 'partner'],
] as const) {
  const trustDomain = domain === 'own' ? 'example.org' : 'partner.example';
  interopTest({ ...client, what, expected: 'accept' }, async (t) => {
    const { port, app } = await tunnelServer(t, domain, 'server', CLIENT);
    const authorize = authorizeId(idOf('server', trustDomain));
    assert.equal(await callHttps(t, domains.own.socketOf('client'), port, authorize), 'reached');
    assert.equal(app.requests.length, 1);
    return `${idOf('server', trustDomain)}`;
  });
}

for (const [what, domain, workload, code] of [
  ['another ID than expected', 'own', 'stranger', 'PEER_NOT_AUTHORIZED'],
  ['the expected ID under a foreign CA', 'impostor', 'server', 'UNTRUSTED_CHAIN'],
] as const) {
  interopTest({ ...client, what, expected: 'refuse' }, async (t) => {
    const { port, app } = await tunnelServer(t, domain, workload, CLIENT);
    await assert.rejects(callHttps(t, domains.own.socketOf('client'), port, authorizeServer), withCode(code));
    assert.equal(app.requests.length, 0);
    return code;
  });
}

for (const [what, domain, workload, logged] of [
  ['it refuses our client: not named', 'own', 'stranger', /error on TLS handshake.*unauthorized/],
  ['it refuses our client: foreign CA', 'impostor', 'client', /error on TLS handshake/],
] as const) {
  interopTest({ ...client, what, expected: 'refuse' }, async (t) => {
    const { process, port, app } = await tunnelServer(t, 'own', 'server', CLIENT);
    await assert.rejects(callHttps(t, domains[domain].socketOf(workload), port, authorizeServer));
    await printed(process, logged);
    assert.equal(app.requests.length, 0);
    return domain === 'own' ? 'refused by ghostunnel' : 'refused by both: neither knows the other CA';
  });
}

interopTest(
  { peer, ours: 'gRPC client and Workload API', what: 'it agrees on no protocol', expected: 'refuse' },
  async (t) => {
    const { port } = await tunnelServer(t, 'own', 'server', CLIENT);
    await assert.rejects(callGrpc(t, domains.own.socketOf('client'), port, authorizeServer), ({ cause }) =>
      withCode('ALPN_MISMATCH')(cause),
    );
    return 'ALPN_MISMATCH';
  },
);

for (const [what, domain] of [
  ['the named ID', 'own'],
  ["a federated trust domain's client", 'partner'],
] as const) {
  const id = idOf('client', domain === 'own' ? 'example.org' : 'partner.example');
  interopTest({ ...server, what, expected: 'accept' }, async (t) => {
    const ours = await serveHttps(t, domains.own.socketOf('server'), authorizeId(id));
    const { socketPath } = await tunnelClient(t, domain, 'client', ours.port);
    assert.deepEqual(await callPlain({ socketPath }), { status: 200, body: `Hello ${id}` });
    assert.deepEqual(ours.peers, [`${id}`]);
    return `${id}`;
  });
}

interopTest({ ...server, what: 'an ID that is not named', expected: 'refuse' }, async (t) => {
  const ours = await serveHttps(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
  const { socketPath } = await tunnelClient(t, 'own', 'stranger', ours.port);
  await assert.rejects(callPlain({ socketPath }));
  const { code, peerId } = await ours.refused();
  assert.deepEqual([code, peerId], ['PEER_NOT_AUTHORIZED', `${idOf('stranger')}`]);
  return code;
});

for (const [what, domain, workload] of [
  ['our server is not the one it expects', 'own', 'stranger'],
  ['our server is of a CA that it does not know', 'impostor', 'server'],
] as const) {
  interopTest({ ...server, what, expected: 'refuse' }, async (t) => {
    const ours = await serveHttps(t, domains[domain].socketOf(workload), authorizeId(idOf('client')));
    const { process, socketPath } = await tunnelClient(t, 'own', 'client', ours.port);
    await assert.rejects(callPlain({ socketPath }));
    await printed(process, /error on dial: /);
    assert.deepEqual(ours.peers, [], 'it sent us no request');
    return 'refused by ghostunnel';
  });
}

interopTest({ ...client, what: 'it rotates its SVID while we are connected', expected: 'accept' }, async (t) => {
  const presented = presentedTo(t, 'client');
  const { port } = await tunnelServer(t, 'own', 'server', CLIENT);
  const agent = await openAgent(t, domains.own.socketOf('client'), authorizeServer);
  assert.equal(await getOverHttps(port, agent), 'reached');
  const [rotated] = await domains.own.rotate('server');
  const serial = rotated?.identities[0]?.serialNumber;
  assert.equal(await getOverHttps(port, agent), 'reached');
  assert.equal(presented.length, 1, 'the open connection goes on');
  const call = () => callHttps(t, domains.own.socketOf('client'), port, authorizeServer);
  await callUntil(call, () => presented.at(-1)?.serialNumber === serial);
  return 'the open connection goes on, the next has the new SVID';
});

interopTest({ ...server, what: 'it rotates its SVID while it is connected', expected: 'accept' }, async (t) => {
  const presented = presentedTo(t, 'server');
  const ours = await serveHttps(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
  const { socketPath } = await tunnelClient(t, 'own', 'client', ours.port);
  await callPlain({ socketPath });
  const [rotated] = await domains.own.rotate('client');
  const serial = rotated?.identities[0]?.serialNumber;
  await callUntil(
    () => callPlain({ socketPath }),
    () => presented.at(-1)?.serialNumber === serial,
  );
  assert.deepEqual(ours.refusals, []);
  return 'the next connection has the new SVID';
});

// T30
interopTest({ ...client, what: 'a new CA, and the old one dropped, both ways', expected: 'accept' }, async (t) => {
  const [fromTunnel, toTunnel] = [presentedTo(t, 'server'), presentedTo(t, 'client')];
  const { port } = await tunnelServer(t, 'own', 'server', CLIENT);
  const ours = await serveHttps(t, domains.own.socketOf('server'), authorizeId(idOf('client')));
  const { socketPath } = await tunnelClient(t, 'own', 'client', ours.port);
  const agent = await openAgent(t, domains.own.socketOf('client'), authorizeServer);
  const both = async () => {
    assert.equal(await getOverHttps(port, agent), 'reached');
    assert.equal((await callPlain({ socketPath })).status, 200);
  };
  await both();
  const rotation = domains.own.rotateCa({ settleMs: 500, dropAfterMs: 500 });
  await both();
  const { serialNumber } = await rotation;
  await both();
  await domains.own.whenOldRootsDropped();
  const isNew = (peers: readonly Peer[]) => peers.at(-1)?.path.at(-1)?.serialNumber === serialNumber;
  await callUntil(both, () => isNew(fromTunnel) && isNew(toTunnel));
  assert.deepEqual(ours.refusals, []);
  return 'no request failed, the last under the new CA';
});
