/**
 * T4: the CA of a federated trust domain mints an ID of ours. Whoever verifies a peer by all CAs at once lets it in; who
 * verifies it by those of the trust domain that its ID names doesn't (L17).
 */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, type TestContext } from 'node:test';
import { authorizeId } from '@countersign/spiffe-tls';
import { interopTest, type PeerProgram } from './interop.ts';
import { callHttps } from './our-side.ts';
import { startPeer } from './peer-process.ts';
import { identityOf } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

/** A library, and whether it is known to pool the bundles of all trust domains. */
export interface ForgeryPeer {
  readonly program: PeerProgram;
  readonly command: string;
  readonly poolsBundles: boolean;
}

/** Defines both exchanges: our client before a forged server of theirs, a forged client before theirs. */
export function testForgedId(peer: ForgeryPeer): void {
  let domains: PeerTrustDomains;
  before(async () => {
    domains = await startTrustDomains();
    // What is known as the CA of partner.example is one that mints IDs of example.org.
    await domains.own.federate('partner.example', await domains.impostor.bundleDocument());
  });
  after(() => domains.close());
  const serve = async (t: TestContext, workloadApi: string) => {
    const args = ['https-server', '--workload-api', workloadApi, '--authorize', `${idOf('client')}`];
    const { port } = await startPeer(t, { command: peer.command, args }).line(
      (line) => line['event'] === 'listening',
      'listening',
    );
    return Number(port);
  };

  const forgedServer = { peer: peer.program, ours: 'HTTPS client', what: "an ID of ours under a federated CA's chain" };
  interopTest({ ...forgedServer, expected: 'refuse' }, async (t) => {
    const port = await serve(t, domains.impostor.socketOf('server'));
    const call = callHttps(t, domains.own.socketOf('client'), port, authorizeId(idOf('server')));
    await assert.rejects(call, /path to the bundle/);
    return 'UNTRUSTED_CHAIN';
  });

  const forgedClient = {
    peer: peer.program,
    ours: 'forged TLS client',
    what: 'its server, shown an ID under a federated CA',
  };
  interopTest({ ...forgedClient, expected: peer.poolsBundles ? 'accept' : 'refuse' }, async (t) => {
    const port = await serve(t, domains.own.socketOf('server'));
    // Known to it, so that a refusal below is due to the ID.
    assert.equal(
      await callHttps(t, domains.own.socketOf('client'), port, authorizeId(idOf('server'))),
      `Hello ${idOf('client')}`,
    );
    const body = getForged(port, domains);
    if (!peer.poolsBundles) {
      await assert.rejects(body);
      return `refused by ${peer.program.name}`;
    }
    assert.equal(await body, `Hello ${idOf('client')}`);
    return `let in by ${peer.program.name} as ${idOf('client')}: it pools the bundles of all trust domains`;
  });
}

/** Not by our library, which would hold no such identity: its own bundle has to know the CA that issued it. */
async function getForged(port: number, { own, impostor }: PeerTrustDomains): Promise<string> {
  const forged = await identityOf(impostor.socketOf('client'));
  const { bundlePem } = await identityOf(own.socketOf('client'));
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      cert: forged.certificatePem,
      key: forged.keyPem,
      ca: bundlePem,
      // It has no name that is ours to check: the chain is enough here.
      checkServerIdentity: () => undefined,
      agent: false,
    });
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve(text);
    });
    outgoing.end();
  });
}
