/**
 * The tables of bad certificates, shown by Go's TLS, which sends any bytes as a certificate: also those that OpenSSL does not
 * load. What OpenSSL on our side can't read fails the handshake itself; all else is refused with its own code.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import {
  authorizeId,
  createSpiffeHttpsAgent,
  createSpiffeHttpsServer,
  createStaticX509Source,
  type RefusalRecord,
  SpiffeId,
  type X509Bundle,
  X509BundleSet,
} from '@countersign/spiffe-tls';
import {
  BAD_CERTIFICATE_ID,
  type BadPresentation,
  badChains,
  badLeaves,
  createBadCertificateWorld,
  presentLeaf,
} from '@countersign/testkit';
import { peerProgram } from './interop.ts';
import { base64 } from './oracle.ts';

const world = await createBadCertificateWorld();
const trusted = [world.ca.bundle(), world.federated.bundle()];
const authorize = authorizeId(SpiffeId.parse(BAD_CERTIFICATE_ID));
const ours = (await world.ca.issue({ path: '/ours' })).svid();

interface Outcome {
  /** What the Go program's application received. */
  readonly received: string;
  readonly records: readonly RefusalRecord[];
  /** The application on our side had an answer or a request. */
  readonly reached: boolean;
}

function sourceFor(bundles: readonly X509Bundle[] = trusted) {
  return createStaticX509Source({ svid: ours, svids: [ours], bundles: X509BundleSet.of(...bundles) });
}

/** Starts the Go program; its lines, and the process. */
function startGo(t: TestContext, presented: BadPresentation, ...args: string[]) {
  const program = spawn(peerProgram('go-spiffe-oracle'), ['present', ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => program.kill());
  program.stdin.end(JSON.stringify({ chain: presented.chain.map(base64), key: base64(presented.keyDer) }));
  return createInterface(program.stdout)[Symbol.asyncIterator]();
}

async function received(lines: AsyncIterator<string>): Promise<string> {
  const { value } = await lines.next();
  return String(JSON.parse(String(value)).received);
}

async function fromClient(t: TestContext, presented: BadPresentation): Promise<Outcome> {
  const records: RefusalRecord[] = [];
  let reached = false;
  const source = sourceFor(presented.bundles);
  const server = createSpiffeHttpsServer(
    { source, authorize, onRefused: (it) => records.push(it) },
    (_request, response) => {
      reached = true;
      response.end('hello');
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const text = await received(startGo(t, presented, 'client', `127.0.0.1:${address.port}`));
  return { received: text, records, reached };
}

async function fromServer(t: TestContext, presented: BadPresentation): Promise<Outcome> {
  const records: RefusalRecord[] = [];
  const lines = startGo(t, presented, 'server');
  const { value: address } = await lines.next();
  const source = sourceFor(presented.bundles);
  const agent = createSpiffeHttpsAgent({ source, authorize, onRefused: (it) => records.push(it) });
  t.after(() => agent.destroy());
  const outgoing = request(`https://${address}/secret`, { agent });
  outgoing.end();
  const reached = await new Promise<boolean>((resolve) => {
    outgoing.once('response', (response) => resolve(response.resume() === response));
    outgoing.once('error', () => resolve(false));
  });
  return { received: await received(lines), records, reached };
}

const directions = [
  ['client', fromClient],
  ['server', fromServer],
] as const;

for (const [role, show] of directions) {
  test(`a Go ${role} is refused with each bad certificate, and nothing passes`, async (t) => {
    for (const row of [...badLeaves, ...badChains]) {
      const { received: text, records, reached } = await show(t, await row.make(world, role));
      assert.deepEqual([text, reached], ['', false], row.rule);
      // Where OpenSSL ends the handshake there is no certificate to judge; a client then hears of it as the request's error.
      const codes = row.notOnWire === undefined ? [row.code] : role === 'client' ? ['NOT_VERIFIED'] : [];
      assert.deepEqual(
        records.map(({ code }) => code),
        codes,
        row.rule,
      );
    }
  });

  test(`a Go ${role} with a good one is let in`, async (t) => {
    const { received: text, records, reached } = await show(t, await presentLeaf(await world.ca.intermediate()));
    assert.deepEqual([text !== '', reached, records], [true, true, []]);
  });
}
