import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { extname } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createManualClock, createTestCa, type IssuedSvid, type TestCa } from '@countersign/testkit';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { createFakeWorkloadApi, type FakeWorkloadApi } from '../test/fake-workload-api.ts';
import { svidEntry, svidMessage } from '../test/workload-messages.ts';
import { fetchX509Context } from './fetch-x509-context.ts';
import { SpiffeWorkloadAPIService } from './gen/workload.ts';
import { createWorkloadApiClient } from './workload-api-client.ts';
import { parseWorkloadEndpoint } from './workload-endpoint.ts';

const run = promisify(execFile);
let ca: TestCa;
let web: IssuedSvid;
let api: FakeWorkloadApi;

before(async () => {
  ca = await createTestCa({ trustDomain: 'example.org' });
  web = await ca.issue({ path: '/web' });
  api = await createFakeWorkloadApi();
});
after(() => api.close());

test('T24 fetching once cancels its stream', async () => {
  const fetching = fetchX509Context({ endpoint: api.endpoint });
  const call = await api.nextCall();
  call.send(svidMessage(svidEntry(ca, web)));
  assert.equal((await fetching).svid.id.toString(), 'spiffe://example.org/web');
  await call.cancelled;
  assert.equal(api.openStreams(), 0);
});

test('T24 T8 a fetch that fails leaves no stream open and says why', async () => {
  const clock = createManualClock();
  const fetching = fetchX509Context({ endpoint: api.endpoint, timeoutMs: 500, clock, random: () => 1 });
  const paused = clock.waitedFor(1250);
  (await api.nextCall()).end(status.PERMISSION_DENIED, 'no identity issued');
  await paused;
  clock.advance(500);
  await assert.rejects(fetching, { code: 'SOURCE_TIMEOUT', message: /no identity issued/ });
  assert.deepEqual(clock.pending(), []);
  assert.equal(api.openStreams(), 0);
});

test('the path on the wire has no package', () => {
  const paths = Object.values(SpiffeWorkloadAPIService).map(({ path }) => path);
  const names = [
    'FetchX509SVID',
    'FetchX509Bundles',
    'FetchJWTSVID',
    'FetchJWTBundles',
    'ValidateJWTSVID',
    'FetchWITSVID',
    'FetchWITBundles',
  ];
  assert.deepEqual(
    paths,
    names.map((name) => `/SpiffeWorkloadAPI/${name}`),
  );
});

test('T33 a proxy in the environment is not given the Workload API', async (context) => {
  let proxied = 0;
  const proxy = createServer((socket) => {
    proxied += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  context.after(() => proxy.close());
  const server = new Server();
  server.addService(SpiffeWorkloadAPIService, {
    fetchJwtsvid: (_call: unknown, respond: (error: null, value: object) => void) => respond(null, { svids: [] }),
  });
  context.after(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (cause, bound) =>
      cause === null ? resolve(bound) : reject(cause),
    );
  });
  const address = proxy.address();
  assert.ok(typeof address === 'object' && address !== null);
  const restore = setEnvironment({
    http_proxy: `http://127.0.0.1:${address.port}`,
    grpc_proxy: `http://127.0.0.1:${address.port}`,
    no_proxy: undefined,
  });
  context.after(restore);
  const client = createWorkloadApiClient(parseWorkloadEndpoint(`tcp://127.0.0.1:${port}`));
  context.after(() => client.close());
  await new Promise<void>((resolve, reject) => {
    client.fetchJwtsvid({ audience: [], spiffeId: '' }, (cause) => (cause === null ? resolve() : reject(cause)));
  });
  assert.equal(proxied, 0);
});

function setEnvironment(values: Record<string, string | undefined>): () => void {
  const apply = (entries: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(entries)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
  apply(values);
  return () => apply(before);
}

test('with unref, a process ends although its source is open; without, it does not', async () => {
  const program = fileURLToPath(new URL(`../test/unreferenced-source${extname(import.meta.url)}`, import.meta.url));
  const ending = run(process.execPath, [program, api.endpoint, 'unref']);
  (await api.nextCall()).send(svidMessage(svidEntry(ca, web)));
  assert.equal((await ending).stdout, 'spiffe://example.org/web\n');

  const staying = run(process.execPath, [program, api.endpoint]);
  const call = await api.nextCall();
  let cut = false;
  void call.cancelled.then(() => {
    cut = true;
  });
  await new Promise<void>((resolve) => {
    staying.child.stdout?.once('data', () => resolve());
    call.send(svidMessage(svidEntry(ca, web)));
  });
  assert.equal(cut, false);
  assert.equal(staying.child.exitCode, null);
  staying.child.kill('SIGKILL');
  await assert.rejects(staying, { signal: 'SIGKILL' });
});
