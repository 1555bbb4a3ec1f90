/**
 * The Workload API on the wire: a plain gRPC client on a real socket.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { splitCertificates } from '@countersign/spiffe-tls';
import { SpiffeWorkloadAPIClient, type X509SVIDResponse } from '@countersign/spiffe-tls/workload-api-proto';
import {
  ChannelCredentials,
  type ClientReadableStream,
  Metadata,
  ServerInterceptingCall,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { registrationOf, startTemporary, temporaryDirectory } from '../test/temporary.ts';
import { connect, header, reader } from '../test/workload-client.ts';
import { Workload } from './workload.ts';
import { listenWorkloadApi } from './workload-api-server.ts';

test('D1 D3 D6 D8 each socket gives its own workload a complete first message at once', async (context) => {
  const trustDomain = await startTemporary(context);
  for (const name of ['web', 'job']) {
    const { svids, crl, federatedBundles } = await reader(
      context,
      connect(context, trustDomain, name).fetchX509Svid({}, header('true')),
    ).next();
    const [svid, ...others] = svids;
    assert.ok(svid);
    assert.deepEqual(
      { id: svid.spiffeId, hint: svid.hint, others, crl, federatedBundles },
      { id: `spiffe://example.org/${name}`, hint: '', others: [], crl: [], federatedBundles: {} },
    );
    assert.equal(splitCertificates(svid.x509Svid).length, 1);
    assert.equal(splitCertificates(svid.bundle).length, 1);
    assert.ok(svid.x509SvidKey.length > 0);
  }
});

test('D8 several identities come in the order registered, with their hints', async (context) => {
  const second = registrationOf('web', { spiffeId: 'spiffe://example.org/web/admin', dnsNames: [], hint: 'admin' });
  const trustDomain = await startTemporary(context, {
    registrations: [registrationOf('web', { hint: 'main' }), second],
  });
  const { svids } = await reader(
    context,
    connect(context, trustDomain, 'web').fetchX509Svid({}, header('true')),
  ).next();
  assert.deepEqual(
    svids.map(({ spiffeId, hint }) => [spiffeId, hint]),
    [
      ['spiffe://example.org/web', 'main'],
      ['spiffe://example.org/web/admin', 'admin'],
    ],
  );
});

const calls: Readonly<
  Record<string, (client: SpiffeWorkloadAPIClient, metadata: Metadata) => Promise<ServiceError | null>>
> = {
  fetchX509Svid: (client, metadata) => endOf(client.fetchX509Svid({}, metadata)),
  fetchX509Bundles: (client, metadata) => endOf(client.fetchX509Bundles({}, metadata)),
  fetchJwtsvid: (client, metadata) =>
    new Promise((resolve) => client.fetchJwtsvid({ audience: ['x'], spiffeId: '' }, metadata, resolve)),
  fetchJwtBundles: (client, metadata) => endOf(client.fetchJwtBundles({}, metadata)),
  validateJwtsvid: (client, metadata) =>
    new Promise((resolve) => client.validateJwtsvid({ audience: 'x', svid: 'x' }, metadata, resolve)),
  fetchWitsvid: (client, metadata) => endOf(client.fetchWitsvid({}, metadata)),
  fetchWitBundles: (client, metadata) => endOf(client.fetchWitBundles({}, metadata)),
};

function endOf(stream: ClientReadableStream<unknown>): Promise<ServiceError | null> {
  return new Promise((resolve) => {
    stream.once('error', (error: ServiceError) => resolve(error));
    // A message instead of an end: the call was let in.
    stream.once('data', () => {
      stream.cancel();
      resolve(null);
    });
  });
}

for (const [method, call] of Object.entries(calls)) {
  test(`D2 ${method} without the security header, or with another value, is InvalidArgument`, async (context) => {
    const client = connect(context, await startTemporary(context), 'web');
    for (const metadata of [
      new Metadata(),
      header('True'),
      header('1'),
      header(''),
      header('true', 'true'),
      header('true', 'false'),
    ]) {
      const error = await call(client, metadata);
      assert.equal(error?.code, status.INVALID_ARGUMENT, JSON.stringify(metadata.getMap()));
    }
  });
}

for (const method of ['fetchWitsvid', 'fetchWitBundles']) {
  test(`D7 ${method} is not there and says so`, async (context) => {
    const error = await calls[method]?.(connect(context, await startTemporary(context), 'web'), header('true'));
    assert.equal(error?.code, status.UNIMPLEMENTED);
  });
}

test('D4 deregistration ends open streams with PermissionDenied, and so does every call until the workload is registered again', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const svids = reader(context, client.fetchX509Svid({}, header('true')));
  const bundles = reader(context, client.fetchX509Bundles({}, header('true')));
  const neighbour = reader(context, connect(context, trustDomain, 'job').fetchX509Svid({}, header('true')));
  await Promise.all([svids.next(), bundles.next(), neighbour.next()]);
  await trustDomain.unregister('web');
  for (const stream of [svids, bundles, reader(context, client.fetchX509Svid({}, header('true')))]) {
    const { code, details } = await stream.ended();
    assert.deepEqual({ code, details }, { code: status.PERMISSION_DENIED, details: 'no identity issued' });
  }
  await trustDomain.register({ name: 'web' });
  const again = await reader(context, client.fetchX509Svid({}, header('true'))).next();
  assert.equal(again.svids[0]?.spiffeId, 'spiffe://example.org/web');
  await trustDomain.rotate('job');
  assert.equal((await neighbour.next()).svids[0]?.spiffeId, 'spiffe://example.org/job');
});

test('D4 taking one of two identities away leaves the other on the open stream', async (context) => {
  const second = registrationOf('web', { spiffeId: 'spiffe://example.org/second', dnsNames: [] });
  const trustDomain = await startTemporary(context, { registrations: [registrationOf('web'), second] });
  const stream = reader(context, connect(context, trustDomain, 'web').fetchX509Svid({}, header('true')));
  assert.equal((await stream.next()).svids.length, 2);
  await trustDomain.unregister('web', 'spiffe://example.org/web');
  assert.deepEqual(
    (await stream.next()).svids.map(({ spiffeId }) => spiffeId),
    ['spiffe://example.org/second'],
  );
});

test('D5 before the first SVID is there calls are told Unavailable, not that nobody knows them', async (context) => {
  const path = join(await temporaryDirectory(context), 'web', 'api.sock');
  const workload = new Workload();
  const server = await listenWorkloadApi({
    path,
    workload,
    issueJwt: () => Promise.reject(new Error('nothing to sign')),
    now: Date.now,
    refresh: () => Promise.resolve(),
    interceptor: (_method, call) => new ServerInterceptingCall(call),
  });
  context.after(() => server.close());
  const client = new SpiffeWorkloadAPIClient(`unix:${path}`, ChannelCredentials.createInsecure());
  context.after(() => client.close());
  const served = Object.entries(calls).filter(([method]) => !method.includes('Wit'));
  for (const [method, call] of served)
    assert.equal((await call(client, header('true')))?.code, status.UNAVAILABLE, method);
  await workload.publish({ type: 'unregistered' });
  for (const [method, call] of served)
    assert.equal((await call(client, header('true')))?.code, status.PERMISSION_DENIED, method);
});

test('D5 a trust domain that stops ends streams with Unavailable', async (context) => {
  const trustDomain = await startTemporary(context);
  const stream = reader(context, connect(context, trustDomain, 'web').fetchX509Svid({}, header('true')));
  await stream.next();
  const [{ code }] = await Promise.all([stream.ended(), trustDomain.close()]);
  assert.equal(code, status.UNAVAILABLE);
});

test('D6 a rotation is pushed: another serial and another key, the same ID and bundle', async (context) => {
  const trustDomain = await startTemporary(context);
  const stream = reader(context, connect(context, trustDomain, 'web').fetchX509Svid({}, header('true')));
  const before = only(await stream.next());
  await trustDomain.rotate('web');
  const after = only(await stream.next());
  assert.equal(after.spiffeId, before.spiffeId);
  assert.notDeepEqual(after.x509Svid, before.x509Svid);
  assert.notDeepEqual(after.x509SvidKey, before.x509SvidKey);
  assert.deepEqual(after.bundle, before.bundle);
});

test('D9 FetchX509Bundles holds the own trust domain under its SPIFFE ID, and is pushed only when the bundle changes', async (context) => {
  const trustDomain = await startTemporary(context);
  const stream = reader(context, connect(context, trustDomain, 'web').fetchX509Bundles({}, header('true')));
  const { bundles } = await stream.next();
  assert.deepEqual(Object.keys(bundles), ['spiffe://example.org']);
  assert.equal(splitCertificates(bundles['spiffe://example.org'] ?? Buffer.alloc(0)).length, 1);
  await trustDomain.rotate('web');
  await trustDomain.rotateCa({ dropAfterMs: 3_600_000 });
  const { bundles: widened } = await stream.next();
  assert.equal(splitCertificates(widened['spiffe://example.org'] ?? Buffer.alloc(0)).length, 2);
});

test('D12 the control service is not on a workload’s socket', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const error = await new Promise<ServiceError | null>((resolve) => {
    client.makeUnaryRequest(
      '/dev/rotate',
      () => Buffer.alloc(0),
      (bytes) => bytes,
      {},
      header('true'),
      resolve,
    );
  });
  assert.equal(error?.code, status.UNIMPLEMENTED);
});

test('watchers are counted while they watch', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const watchers = async () => (await trustDomain.status()).workloads.find(({ name }) => name === 'web')?.watchers;
  const stream = client.fetchX509Svid({}, header('true'));
  await reader(context, stream).next();
  assert.equal(await watchers(), 1);
  await trustDomain.unregister('web');
  assert.equal(await watchers(), 0);
});

function only({ svids }: X509SVIDResponse) {
  const [svid, ...others] = svids;
  assert.ok(svid !== undefined && others.length === 0);
  return svid;
}
