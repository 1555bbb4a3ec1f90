/**
 * What the client takes of the Workload API and what it leaves alone: no TLS, no reflection, no WIT profile, CRLs handed on.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Server, ServerCredentials, ServerInterceptingCall, type ServerWritableStream, status } from '@grpc/grpc-js';
import { ca, nextEvent, setUpReady, web } from '../test/source-setup.ts';
import { svidEntry, svidMessage } from '../test/workload-messages.ts';
import { SpiffeWorkloadAPIService, type X509SVIDRequest, type X509SVIDResponse } from './gen/workload.ts';
import { toWorkloadApiFailure } from './workload-api-error.ts';
import { createWorkloadApiX509Source } from './workload-api-source.ts';

/** Serves FetchX509SVID and nothing else, without TLS and without reflection; notes every method that is asked for. */
async function startBareServer(t: TestContext): Promise<{ endpoint: string; asked: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'wl-'));
  const asked: string[] = [];
  const { fetchX509Svid } = SpiffeWorkloadAPIService;
  const server = new Server({
    interceptors: [
      (method, call) => {
        asked.push(method.path);
        return new ServerInterceptingCall(call);
      },
    ],
  });
  server.addService(
    { fetchX509Svid },
    {
      fetchX509Svid: (stream: ServerWritableStream<X509SVIDRequest, X509SVIDResponse>) => {
        stream.write(svidMessage(svidEntry(ca, web)));
      },
    },
  );
  const path = join(directory, 'api.sock');
  await new Promise<void>((resolve, reject) => {
    const bound = (cause: Error | null) => (cause === null ? resolve() : reject(cause));
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), bound);
  });
  t.after(async () => {
    server.forceShutdown();
    await rm(directory, { recursive: true, force: true });
  });
  return { endpoint: `unix://${path}`, asked };
}

test('L53 L65 L66 an endpoint without TLS, reflection and WIT profile is enough: one method is asked for, once', async (t) => {
  const { endpoint, asked } = await startBareServer(t);
  const source = createWorkloadApiX509Source({ endpoint });
  t.after(() => source.close());
  assert.equal((await source.ready()).svid.id.path, '/web');
  assert.deepEqual(asked, ['/SpiffeWorkloadAPI/FetchX509SVID']);
});

test('L65 a profile that is not implemented is not asked for again', () => {
  const { kind, error } = toWorkloadApiFailure({ code: status.UNIMPLEMENTED, details: '' }, 'FetchWITSVID');
  assert.equal(kind, 'fatal');
  assert.match(error.message, /UNIMPLEMENTED/);
});

test('L64 CRLs are handed on as they came, in each context, and enforce nothing', async (context) => {
  const { call, source } = await setUpReady(context);
  assert.equal(source.current().crls, undefined);
  // Neither is a CRL: bytes are not looked at.
  const crl = [Buffer.from('one'), Buffer.from('two')];
  const message = svidMessage(svidEntry(ca, web));
  const first = nextEvent(source, 'update');
  call.send({ ...message, crl });
  assert.deepEqual(
    (await first).context.crls?.map((one) => Buffer.from(one).toString()),
    ['one', 'two'],
  );
  const second = nextEvent(source, 'update');
  call.send({ ...message, crl: crl.slice(1) });
  const { changed, context: after } = await second;
  assert.deepEqual(changed, { svid: false, bundles: false }, 'only the lists changed');
  assert.deepEqual(
    after.crls?.map((one) => Buffer.from(one).toString()),
    ['two'],
  );
  assert.equal(after.svid.leaf.serialNumber, web.svid().leaf.serialNumber);
});
