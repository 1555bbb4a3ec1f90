/**
 * Certificates that each break one rule, over real TLS in both directions: a foreign client shows them to our server, and a
 * foreign server to our client. Each is refused with its own code, the record says what was expected and what came, and no
 * byte of the application's passes either way.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from 'node:tls';
import {
  BAD_CERTIFICATE_ID,
  type BadCertificate,
  type BadPresentation,
  badChains,
  badLeaves,
  createBadCertificateWorld,
  ExtensionId,
  presentLeaf,
  sequence,
  tlv,
} from '@countersign/testkit';
import { createWorkload, RefusalLog } from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { createAgent, get, startHttps } from '../test/https-fixture.ts';
import { authorizeId } from './authorizers.ts';
import { SpiffeTlsError } from './errors.ts';
import type { RefusalRecord } from './refusal.ts';
import { SpiffeId } from './spiffe-id.ts';
import { verifyPeer } from './verify-peer.ts';
import { X509BundleSet } from './x509-bundle.ts';
import type { TlsRole } from './x509-svid-rules.ts';

const world = await createBadCertificateWorld();
const trusted = [world.ca.bundle(), world.federated.bundle()];
const authorize = authorizeId(SpiffeId.parse(BAD_CERTIFICATE_ID));
// What the foreign side presents includes keys and signatures that OpenSSL would by default not even load.
const ANYTHING = { ciphers: 'DEFAULT:@SECLEVEL=0', minVersion: 'TLSv1.3', rejectUnauthorized: false } as const;
const REQUEST = 'GET /secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

interface Outcome {
  /** Whether the application on our side was reached, or anything of ours reached the foreign application. */
  readonly passed: boolean;
  readonly records: readonly RefusalRecord[];
}

/** A foreign client presents it to our server, and sends its request along with the handshake. */
async function fromClient(t: Parameters<typeof startHttps>[0], presented: BadPresentation): Promise<Outcome> {
  const server = await createWorkload(world.ca, 'server', { bundles: presented.bundles ?? trusted });
  const log = new RefusalLog();
  let requests = 0;
  const options = { source: server.source, authorize, onRefused: log.onRefused };
  const { port } = await startHttps(t, options, (_request, response) => {
    requests += 1;
    response.end('hello');
  });
  const { certificatePem: cert, keyPem: key } = presented;
  const socket = connect({ ...ANYTHING, host: '127.0.0.1', port, cert, key });
  socket.write(REQUEST);
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  if (text === '') await log.next();
  assert.equal(requests > 0, text !== '', 'a request is answered if it is let in');
  return { passed: requests > 0, records: log.records };
}

/** A foreign server presents it to our client, which has a request to send. */
async function fromServer(t: Parameters<typeof startHttps>[0], presented: BadPresentation): Promise<Outcome> {
  const client = await createWorkload(world.ca, 'client', { bundles: presented.bundles ?? trusted });
  const log = new RefusalLog();
  const agent = createAgent(t, { source: client.source, authorize, onRefused: log.onRefused });
  const foreign = await startForeignServer(t, presented, { ...ANYTHING, requestCert: true });
  const closed = foreign.nextClosed();
  foreign.server.on('secureConnection', (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'));
  });
  const failure = await get(agent, foreign.port).then(
    () => undefined,
    (error: unknown) => error,
  );
  await closed;
  const [record] = log.records;
  if (failure !== undefined) {
    assert.ok(failure instanceof SpiffeTlsError, `${failure}`);
    assert.equal(failure.code, record?.code, 'the caller and the record get the same code');
  }
  assert.equal(foreign.received() === '', failure !== undefined);
  return { passed: foreign.received() !== '', records: log.records };
}

const directions = [
  ['client', fromClient],
  ['server', fromServer],
] as const;

/** Exactly one record, with the row's code and both halves of the reason. */
function checkRecord({ records }: Outcome, role: TlsRole, { code }: BadCertificate): void {
  const [record] = records;
  assert.ok(record !== undefined && records.length === 1, 'one refusal is one record');
  assert.equal(record.code, code, record.message);
  assert.equal(record.role, role === 'client' ? 'server' : 'client', 'the side that refuses writes the record');
  assert.ok(record.expected !== undefined && record.got !== undefined, `expected and got of: ${record.message}`);
  assert.ok(record.message.includes(record.expected) && record.message.includes(record.got), record.message);
  assert.ok(record.message.length < 1000, 'a peer does not flood the log');
}

for (const row of [...badLeaves, ...badChains]) {
  for (const [role, show] of directions) {
    if (row.notOnWire !== undefined) continue;
    test(`a ${role} is refused over TLS: ${row.rule}`, async (t) => {
      const outcome = await show(t, await row.make(world, role));
      assert.equal(outcome.passed, false, 'nothing passes');
      checkRecord(outcome, role, row);
    });
  }

  test(`verifyPeer refuses: ${row.rule}${row.notOnWire === undefined ? '' : ` (not over TLS: ${row.notOnWire})`}`, async () => {
    for (const [role] of directions) {
      const { chain, bundles } = await row.make(world, role);
      const input = { chain, role, bundles: X509BundleSet.of(...(bundles ?? trusted)), nowMs: Date.now(), authorize };
      assert.throws(() => verifyPeer(input), { name: 'SpiffeTlsError', code: row.code });
    }
  });
}

test('each rule of the tables stands there once', () => {
  const rules = [...badLeaves, ...badChains].map(({ rule }) => rule);
  assert.equal(new Set(rules).size, rules.length);
});

test('the same foreign client and server are let in with what breaks no rule', async (t) => {
  const issuing = await world.ca.intermediate({ nameConstraints: { permittedUri: ['example.org'] }, pathLength: 0 });
  const good = [
    ['a plain leaf', await presentLeaf(world.ca)],
    ['a leaf below a constrained intermediate', await presentLeaf(issuing)],
    ['an empty subject', await presentLeaf(world.ca, { emptySubject: true, dnsNames: ['a.example.org'] })],
    ['no extendedKeyUsage', await presentLeaf(world.ca, { extendedKeyUsage: null })],
    ['Ed25519', await presentLeaf(world.ca, { keyType: 'ed25519' })],
    ['RSA 2048', await presentLeaf(world.ca, { keyType: 'rsa-2048' })],
  ] as const;
  for (const [name, presented] of good) {
    for (const [role, show] of directions) {
      const { passed, records } = await show(t, presented);
      assert.deepEqual([passed, records], [true, []], `${name}, ${role}`);
    }
  }
});

test('T16 what OpenSSL itself finds too long never gets as far as the verifier, and nothing passes', async (t) => {
  // OpenSSL reads certificates of at most 100 KiB together.
  const san = sequence(tlv(0x86, Buffer.from(BAD_CERTIFICATE_ID)), tlv(0x82, Buffer.alloc(1_000_000, 'a')));
  const huge = await presentLeaf(world.ca, { rawExtensions: { [ExtensionId.subjectAltName]: san } });
  const { passed, records } = await fromClient(t, huge);
  assert.deepEqual([passed, records.map(({ code }) => code)], [false, ['NOT_VERIFIED']]);
});
