/**
 * Faults on the wire: what a client sees, and that only the calls that are meant see it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkloadApiX509Source } from '@countersign/spiffe-tls';
import { X509SVIDResponse } from '@countersign/spiffe-tls/workload-api-proto';
import { createManualClock } from '@countersign/testkit';
import { Metadata, status } from '@grpc/grpc-js';
import { startTemporary } from '../test/temporary.ts';
import { connect, fetchJwtSvid, header, reader, validateJwtSvid } from '../test/workload-client.ts';
import { createControlClient } from './control-client.ts';
import { type Fault, METHODS } from './faults.ts';

test('D20 a status is answered as often as asked, to this method of this workload alone', async (context) => {
  const trustDomain = await startTemporary(context);
  const web = connect(context, trustDomain, 'web');
  const job = connect(context, trustDomain, 'job');
  await trustDomain.injectFault({
    method: 'FetchJWTSVID',
    workload: 'web',
    code: 'RESOURCE_EXHAUSTED',
    details: 'slow down',
    times: 2,
  });
  const fault = { code: status.RESOURCE_EXHAUSTED, details: 'slow down' };
  await assert.rejects(fetchJwtSvid(web, ['a']), fault);
  assert.equal((await fetchJwtSvid(job, ['a'])).svids.length, 1);
  await reader(context, web.fetchX509Svid({}, header('true'))).next();
  await assert.rejects(fetchJwtSvid(web, ['a']), fault);
  assert.equal((await fetchJwtSvid(web, ['a'])).svids.length, 1);
});

test('D20 a stream can be refused with every status, and is not opened then', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  for (const code of ['UNAVAILABLE', 'PERMISSION_DENIED', 'INVALID_ARGUMENT', 'UNIMPLEMENTED'] as const) {
    await trustDomain.injectFault({ method: 'FetchX509SVID', code });
    const error = await reader(context, client.fetchX509Svid({}, header('true'))).ended();
    assert.deepEqual([error.code, error.details], [status[code], 'injected fault']);
  }
  await reader(context, client.fetchX509Svid({}, header('true'))).next();
  const [web] = (await trustDomain.status()).workloads;
  assert.equal(web?.watchers, 1);
});

test('D20 a source that is refused twice comes through at the third call, and the call log has all three', async (context) => {
  const trustDomain = await startTemporary(context);
  await trustDomain.injectFault({ method: 'FetchX509SVID', code: 'UNAVAILABLE', times: 2 });
  const source = createWorkloadApiX509Source({
    endpoint: trustDomain.socketOf('web'),
    backoff: { next: () => 0, reset: () => {} },
  });
  context.after(() => source.close());
  assert.equal((await source.ready()).svid.id.path, '/web');
  const calls = await trustDomain.calls({ workload: 'web' });
  assert.deepEqual(
    calls.map((call) => [call.method, call.status]),
    [
      ['FetchX509SVID', 'UNAVAILABLE'],
      ['FetchX509SVID', 'UNAVAILABLE'],
      ['FetchX509SVID', undefined],
    ],
  );
});

test('D20 raw bytes replace the next messages: of a new stream, of one that is open, and of an answer', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const empty = X509SVIDResponse.encode({ svids: [], crl: [], federatedBundles: {} }).finish();
  await trustDomain.injectFault({ method: 'FetchX509SVID', response: empty });
  const stream = reader(context, client.fetchX509Svid({}, header('true')));
  assert.deepEqual((await stream.next()).svids, []);
  await trustDomain.rotate('web');
  assert.equal((await stream.next()).svids.length, 1);
  await trustDomain.injectFault({ method: 'FetchX509SVID', response: Buffer.from([0xff, 0xff, 0xff]) });
  await trustDomain.rotate('web');
  // No message of the service: it is the client's library that fails.
  assert.equal((await stream.ended()).code, status.INTERNAL);
  await trustDomain.injectFault({ method: 'FetchJWTSVID', response: Buffer.from([0x0a]) });
  await assert.rejects(fetchJwtSvid(client, ['a']), { code: status.INTERNAL });
  assert.equal((await fetchJwtSvid(client, ['a'])).svids.length, 1);
});

test('D20 a delayed call waits, then goes on or is refused', async (context) => {
  const clock = createManualClock();
  const trustDomain = await startTemporary(context, { clock });
  const client = connect(context, trustDomain, 'web');
  await trustDomain.injectFault({ method: 'FetchJWTSVID', delayMs: 77 });
  await trustDomain.injectFault({ method: 'FetchJWTSVID', delayMs: 78, code: 'ABORTED' });
  const late = fetchJwtSvid(client, ['a']);
  await clock.waitedFor(77);
  const refused = assert.rejects(fetchJwtSvid(client, ['a']), { code: status.ABORTED });
  await clock.waitedFor(78);
  const open = await trustDomain.calls();
  assert.deepEqual(
    open.map((call) => call.status),
    [undefined, undefined],
  );
  clock.advance(78);
  assert.equal((await late).svids.length, 1);
  await refused;
  const settled = await trustDomain.calls();
  assert.deepEqual(
    settled.map((call) => call.status),
    ['OK', 'ABORTED'],
  );
});

test('D20 a trust domain stops although a fault holds a call back', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  await trustDomain.injectFault({ method: 'FetchX509SVID', delayMs: 3_600_000 });
  const stream = reader(context, client.fetchX509Svid({}, header('true')));
  const held = stream.ended();
  await untilCalled(() => trustDomain.calls());
  await trustDomain.close();
  assert.equal((await held).code, status.UNAVAILABLE);
});

/** A call is noted when its headers have come, which is when another one on the same connection has been answered. */
async function untilCalled(calls: () => Promise<readonly unknown[]>): Promise<void> {
  while ((await calls()).length === 0) await new Promise((resolve) => setImmediate(resolve));
}

test('D20 closeStreams ends what is open, with the status asked for, and nothing else', async (context) => {
  const trustDomain = await startTemporary(context);
  const web = connect(context, trustDomain, 'web');
  const svids = reader(context, web.fetchX509Svid({}, header('true')));
  const bundles = reader(context, web.fetchX509Bundles({}, header('true')));
  const job = reader(context, connect(context, trustDomain, 'job').fetchX509Svid({}, header('true')));
  await Promise.all([svids.next(), bundles.next(), job.next()]);
  assert.equal(
    await trustDomain.closeStreams({ workload: 'web', method: 'FetchX509SVID', code: 'ABORTED', details: 'bye' }),
    1,
  );
  const { code, details } = await svids.ended();
  assert.deepEqual([code, details], [status.ABORTED, 'bye']);
  const ends = async () => (await trustDomain.calls()).map((call) => call.status);
  assert.deepEqual(await ends(), ['ABORTED', undefined, undefined]);
  await trustDomain.rotate('job');
  await job.next();
  assert.equal(await trustDomain.closeStreams(), 2);
  assert.equal((await bundles.ended()).code, status.UNAVAILABLE);
  const [first] = (await trustDomain.status()).workloads;
  assert.equal(first?.watchers, 0);
  assert.equal(await trustDomain.closeStreams(), 0);
});

test('D2 D20 the call log has the metadata, also of calls that were refused, and no more than a thousand calls', async (context) => {
  const trustDomain = await startTemporary(context);
  const client = connect(context, trustDomain, 'web');
  const metadata = new Metadata();
  metadata.add('x-client', 'one');
  metadata.add('x-data-bin', Buffer.from([0, 1]));
  await reader(context, client.fetchX509Svid({}, metadata)).ended();
  const [call, ...others] = await trustDomain.calls();
  assert.deepEqual(others, []);
  assert.deepEqual(
    { workload: call?.workload, method: call?.method, status: call?.status },
    { workload: 'web', method: 'FetchX509SVID', status: 'INVALID_ARGUMENT' },
  );
  assert.deepEqual(call?.metadata['x-client'], ['one']);
  assert.deepEqual(call?.metadata['x-data-bin'], ['AAE=']);
  assert.deepEqual(call?.metadata['workload.spiffe.io'], undefined);
  for (let round = 0; round < 10; round += 1)
    await Promise.all(Array.from({ length: 101 }, () => validateJwtSvid(client, 'x', '').catch(() => {})));
  const all = await trustDomain.calls();
  assert.equal(all.length, 1000);
  assert.ok(all.every(({ method }) => method === 'ValidateJWTSVID'));
  assert.deepEqual(all.at(-1)?.metadata['workload.spiffe.io'], ['true']);
});

test('D12 D20 the same over the control socket', async (context) => {
  const trustDomain = await startTemporary(context);
  const control = createControlClient(trustDomain.controlSocket);
  const client = connect(context, trustDomain, 'web');
  await control.injectFault({ method: 'FetchJWTSVID', response: Buffer.from([0x0a]), workload: 'web' });
  await assert.rejects(fetchJwtSvid(client, ['a']), { code: status.INTERNAL });
  await control.injectFault({ method: 'FetchJWTSVID', code: 'ABORTED', times: 5 });
  await assert.rejects(fetchJwtSvid(client, ['a']), { code: status.ABORTED });
  await control.clearFaults();
  assert.equal((await fetchJwtSvid(client, ['a'])).svids.length, 1);
  const stream = reader(context, client.fetchX509Svid({}, header('true')));
  await stream.next();
  assert.equal(await control.closeStreams({ workload: 'web', code: 'DATA_LOSS' }), 1);
  assert.equal((await stream.ended()).code, status.DATA_LOSS);
  assert.deepEqual(await control.calls(), await trustDomain.calls());
  assert.deepEqual(
    (await control.calls({ method: 'FetchX509SVID' })).map((call) => call.status),
    ['DATA_LOSS'],
  );
});

const refused: readonly [name: string, fault: Record<string, unknown>, code: string, message: RegExp][] = [
  [
    'a method that is none',
    { method: 'FetchX509Svid', code: 'ABORTED' },
    'FAULT',
    /method must be one of FetchX509SVID/,
  ],
  ['nothing to do', { method: 'FetchX509SVID' }, 'FAULT', /must have a code/],
  ['a status that is none', { method: 'FetchX509SVID', code: 'TEAPOT' }, 'FAULT', /code.*"TEAPOT"/],
  ['a status by number', { method: 'FetchX509SVID', code: '14' }, 'FAULT', /code.*"14"/],
  ['no times', { method: 'FetchX509SVID', code: 'ABORTED', times: 0 }, 'FAULT', /times/],
  ['a delay that is text', { method: 'FetchX509SVID', delayMs: '1s' }, 'FAULT', /delayMs/],
  ['a response with a code', { method: 'FetchX509SVID', code: 'OK', response: new Uint8Array() }, 'FAULT', /response/],
  ['a field that is not known', { method: 'FetchX509SVID', code: 'OK', delay: 1 }, 'FAULT', /"delay"/],
  ['a workload that is not there', { method: 'FetchX509SVID', code: 'OK', workload: 'x' }, 'UNKNOWN_WORKLOAD', /"x"/],
];

test('D20 a fault that would never happen is refused, in process and over the control socket', async (context) => {
  const trustDomain = await startTemporary(context);
  const control = createControlClient(trustDomain.controlSocket);
  for (const [name, fault, code, message] of refused) {
    const expected = { name: 'DevTrustDomainError', code, message };
    await assert.rejects(trustDomain.injectFault(fault as unknown as Fault), expected, name);
    await assert.rejects(control.injectFault(fault as unknown as Fault), expected, name);
  }
  assert.ok(METHODS.includes('ValidateJWTSVID') && METHODS.length === 7);
});
