/**
 * Envoy takes its identity and all bundles from a SPIRE agent (SDS), which knows it by its binary. Our client takes its own
 * from the same agent's Workload API. T36.
 */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { after, before, type TestContext, test } from 'node:test';
import type { StandaloneSpire } from '@countersign/local-stack';
import {
  authorizeId,
  createWorkloadApiX509Source,
  SpiffeId,
  SpiffeTlsError,
  type WorkloadApiX509Source,
} from '@countersign/spiffe-tls';
import { startEnvoy } from '../peers/envoy-process.ts';
import { peerProgram } from '../peers/interop.ts';
import { callHttp2 } from '../peers/our-http2.ts';
import { callHttps, getOverHttps, ONE_REQUEST, openAgent, serveHttps } from '../peers/our-side.ts';
import { callPlain, startPlainApp } from '../peers/plain-app.ts';
import { callUntil, presentedTo } from '../peers/rotation.ts';
import { entryNamed, startTestSpire, untilContext } from './standalone-spire.ts';

const command = peerProgram('envoy');
const proxyId = SpiffeId.parse('spiffe://example.org/proxy');
const clientId = SpiffeId.parse('spiffe://example.org/client');
const strangerId = SpiffeId.parse('spiffe://example.org/stranger');
let spire: StandaloneSpire;
let client: WorkloadApiX509Source;
let stranger: WorkloadApiX509Source;

before(async () => {
  spire = await startTestSpire('example.org');
  await spire.createEntry(programEntry('proxy', command));
  for (const name of ['client', 'stranger']) await spire.createEntry(programEntry(name, process.execPath));
  client = createWorkloadApiX509Source({ endpoint: spire.socket, hint: 'client' });
  stranger = createWorkloadApiX509Source({ endpoint: spire.socket, hint: 'stranger' });
  await Promise.all([client, stranger].map((source) => untilContext(source, () => true)));
});

after(async () => {
  for (const source of [client, stranger]) source?.close();
  await spire?.stop();
});

/** Only this binary is the workload. */
function programEntry(name: string, program: string, changes: { readonly hint?: string } = {}) {
  const selectors = ['uid:0', `path:${realpathSync(program)}`].map((value) => ({ type: 'unix', value }));
  return entryNamed(spire, name, { selectors, ...changes });
}

function tlsFor(peer: SpiffeId) {
  return { identity: { agent: spire.socket }, bundles: { agent: true }, peer: `${peer}` } as const;
}

async function startFront(t: TestContext, peer: SpiffeId) {
  const app = await startPlainApp(t);
  return { ...(await startEnvoy(t, command, { downstream: tlsFor(peer), target: app.port })), app };
}

test('T36 our clients and Envoy accept each other by SPIFFE ID', async (t) => {
  const { port, app } = await startFront(t, clientId);
  assert.equal(await callHttps(t, client, port, authorizeId(proxyId)), 'reached');
  assert.equal(await callHttp2(t, client, port, authorizeId(proxyId)), 'reached');
  assert.equal(app.requests.length, 2);
});

test('T36 Envoy refuses another ID of the same trust domain', async (t) => {
  const { port, app, counter } = await startFront(t, clientId);
  await assert.rejects(callHttps(t, stranger, port, authorizeId(proxyId)));
  assert.equal(await counter('ssl.fail_verify_san'), 1);
  assert.equal(app.requests.length, 0);
});

test('T36 our client refuses Envoy where another is expected', async (t) => {
  const { port, app } = await startFront(t, clientId);
  await assert.rejects(
    callHttps(t, client, port, authorizeId(strangerId)),
    (error) => error instanceof SpiffeTlsError && error.code === 'PEER_NOT_AUTHORIZED',
  );
  assert.equal(app.requests.length, 0);
});

for (const [what, named, expected, status] of [
  ['accepts Envoy, which expects it', proxyId, clientId, 200],
  ['refuses Envoy, which is not named', strangerId, clientId, 503],
  ['is refused by Envoy, which expects another', proxyId, strangerId, 503],
] as const) {
  test(`T36 our server ${what}`, async (t) => {
    const ours = await serveHttps(t, client, authorizeId(named));
    const { port } = await startEnvoy(t, command, { upstream: tlsFor(expected), target: ours.port });
    assert.equal((await callPlain({ port })).status, status);
    assert.deepEqual(ours.peers, status === 200 ? [`${proxyId}`] : []);
    if (named === strangerId) assert.equal((await ours.refused()).code, 'PEER_NOT_AUTHORIZED');
  });
}

test('T36 a rotation reaches Envoy, which presents the new SVID at the next handshake', async (t) => {
  const presented = presentedTo(t, 'client');
  const { port } = await startFront(t, clientId);
  const agent = await openAgent(t, client, authorizeId(proxyId));
  await getOverHttps(port, agent, ONE_REQUEST);
  const first = presented.at(-1)?.serialNumber;
  // An entry that changed at all is signed anew.
  await spire.updateEntries([programEntry('proxy', command, { hint: 'again' })]);
  await callUntil(
    () => getOverHttps(port, agent, ONE_REQUEST),
    () => presented.at(-1)?.serialNumber !== first,
  );
  assert.equal(presented.at(-1)?.id.toString(), `${proxyId}`);
});
