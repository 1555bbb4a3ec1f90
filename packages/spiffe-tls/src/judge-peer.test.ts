import assert from 'node:assert/strict';
import diagnosticsChannel from 'node:diagnostics_channel';
import { once } from 'node:events';
import { test } from 'node:test';
import { createServer, connect as tlsConnect } from 'node:tls';
import { createCa, createWorkload, idOf, RefusalLog } from '../test/adapter-fixture.ts';
import { startForeignServer } from '../test/foreign-server.ts';
import { portOf } from '../test/https-fixture.ts';
import { authorizeId, dangerouslyAuthorizeAnyPeer } from './authorizers.ts';
import { judgePeer } from './judge-peer.ts';
import { peerOf } from './peer-of.ts';
import { REFUSED_CHANNEL, VERIFIED_CHANNEL } from './refusal.ts';
import { resolveOptions } from './spiffe-tls-options.ts';
import { dial } from './tls-dialer.ts';
import { clientTlsOptions, serverTlsOptions } from './tls-options.ts';

test('T1 a resumed session is refused on the server, should one ever come about', async (t) => {
  const ca = await createCa();
  const server = await createWorkload(ca, 'server');
  const client = await createWorkload(ca, 'client');
  const log = new RefusalLog();
  const options = resolveOptions({ ...server, authorize: dangerouslyAuthorizeAnyPeer(), onRefused: log.onRefused });
  const verdicts: boolean[] = [];
  // Without SSL_OP_NO_TICKET: what our own options never allow.
  const { cert, key } = serverTlsOptions(server.source.current().svid);
  const tls = createServer({
    ...(cert && { cert }),
    ...(key && { key }),
    requestCert: true,
    rejectUnauthorized: false,
  });
  tls.prependListener('secureConnection', (socket) => {
    verdicts.push(judgePeer(socket, { options, role: 'server', transport: 'tls' }) !== undefined);
    socket.on('error', () => {});
    socket.end('x');
  });
  tls.listen(0, '127.0.0.1');
  await once(tls, 'listening');
  t.after(() => tls.close());
  const { secureContext, ...rest } = clientTlsOptions(client.source.current().svid);
  const base = { host: '127.0.0.1', port: portOf(tls), ...rest, ...(secureContext && { secureContext }) };
  const first = tlsConnect(base);
  let session: Buffer | undefined;
  first.on('session', (saved) => {
    session = saved;
  });
  first.resume();
  await once(first, 'close');
  assert.ok(session !== undefined);
  const second = tlsConnect({ ...base, session });
  second.on('error', () => {});
  second.resume();
  await new Promise((resolve) => second.once('close', resolve));
  assert.deepEqual(verdicts, [true, false]);
  assert.equal((await log.next()).code, 'SESSION_RESUMED');
});

test('T1 a resumed session is refused on the client, and not a byte is sent', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const foreign = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const log = new RefusalLog();
  const options = resolveOptions({ ...client, authorize: authorizeId(idOf('server')), onRefused: log.onRefused });
  const dialing = { options, transport: 'tls', host: '127.0.0.1', port: foreign.port, onVerified: () => {} } as const;
  const first = dial(dialing);
  const [session] = await once(first, 'session');
  first.destroy();
  const second = dial({ ...dialing, extra: { session } });
  second.write('secret');
  const ended = foreign.nextClosed();
  const error = await new Promise((resolve) => second.once('error', resolve));
  assert.ok(error instanceof Error && 'code' in error && error.code === 'SESSION_RESUMED');
  await ended;
  assert.equal(foreign.received(), '');
});

test('T3 bytes that a program writes early never reach a server that is refused', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const rogue = await startForeignServer(t, await ca.issue({ path: '/rogue' }));
  const good = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const options = resolveOptions({ ...client, authorize: authorizeId(idOf('server')) });
  const dialing = { options, transport: 'tls', host: '127.0.0.1', onVerified: () => {} } as const;
  for (let round = 0; round < 20; round += 1) {
    const ended = rogue.nextClosed();
    const socket = dial({ ...dialing, port: rogue.port });
    socket.write('secret');
    socket.once('secureConnect', () => socket.write('later'));
    await new Promise((resolve) => socket.once('error', resolve));
    await ended;
  }
  assert.equal(rogue.received(), '');
  const ended = good.nextClosed();
  const socket = dial({ ...dialing, port: good.port });
  socket.end('secret');
  await ended;
  assert.equal(good.received(), 'secret');
});

test('T2 a chain of one, two and three certificates verifies, on client and server', async (t) => {
  const ca = await createCa();
  const below = await ca.intermediate();
  const deeper = await below.intermediate();
  const client = await createWorkload(ca, 'client');
  const options = resolveOptions({ ...client, authorize: authorizeId(idOf('server')) });
  for (const [length, issuer] of [ca, below, deeper].entries()) {
    const { port } = await startForeignServer(t, await issuer.issue({ path: '/server' }));
    const connection = await new Promise<{ chain: readonly Uint8Array[] }>((resolve, reject) => {
      const socket = dial({ options, transport: 'tls', host: '127.0.0.1', port, onVerified: resolve });
      socket.once('error', reject);
      t.after(() => socket.destroy());
    });
    assert.equal(connection.chain.length, length + 1);
  }
});

test('the channels carry a record for each verdict', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const good = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const rogue = await startForeignServer(t, await ca.issue({ path: '/rogue' }));
  const records: unknown[] = [];
  const note = (record: unknown) => records.push(record);
  for (const name of [VERIFIED_CHANNEL, REFUSED_CHANNEL]) {
    diagnosticsChannel.subscribe(name, note);
    t.after(() => diagnosticsChannel.unsubscribe(name, note));
  }
  const options = resolveOptions({ ...client, authorize: authorizeId(idOf('server')) });
  for (const { port } of [good, rogue]) {
    const socket = dial({ options, transport: 'tls', host: '127.0.0.1', port, onVerified: () => {} });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    assert.equal(peerOf(socket)?.id.toString(), port === good.port ? 'spiffe://example.org/server' : undefined);
    socket.destroy();
  }
  const [verified, refused] = records;
  assert.ok(typeof verified === 'object' && verified !== null && 'selfSerial' in verified && 'peer' in verified);
  assert.equal(verified.selfSerial, client.serial());
  assert.ok(typeof refused === 'object' && refused !== null && 'code' in refused);
  assert.equal(refused.code, 'PEER_NOT_AUTHORIZED');
  assert.doesNotMatch(JSON.stringify(refused), /PRIVATE KEY|CERTIFICATE/);
});

test('an authorizer that throws, or does not answer at once, refuses', async (t) => {
  const ca = await createCa();
  const client = await createWorkload(ca, 'client');
  const { port } = await startForeignServer(t, await ca.issue({ path: '/server' }));
  const authorizers = [
    () => {
      throw new Error('broken');
    },
    () => Promise.resolve(undefined) as never,
  ];
  for (const authorize of authorizers) {
    const options = resolveOptions({ ...client, authorize });
    const socket = dial({ options, transport: 'tls', host: '127.0.0.1', port, onVerified: () => assert.fail() });
    const error = await new Promise((resolve) => socket.once('error', resolve));
    assert.ok(error instanceof Error && 'code' in error && error.code === 'PEER_NOT_AUTHORIZED');
  }
});
