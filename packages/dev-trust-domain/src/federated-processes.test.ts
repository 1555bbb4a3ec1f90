/**
 * Two trust domains as two processes that know of each other what operators typed: federated both ways, over a rotation.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createWorkloadApiX509Source, TrustDomain, type X509SourceEvent } from '@countersign/spiffe-tls';
import { temporaryDirectory } from '../test/temporary.ts';
import { createWebCertificate, onLocalhost } from '../test/web-certificate.ts';
import type { BundleEndpointStatus } from './bundle-endpoint.ts';
import { EXIT_CODES, runCli } from './cli-commands.ts';
import type { TrustDomainControl } from './control.ts';
import { controlSocketOf, createControlClient } from './control-client.ts';

interface Side {
  readonly trustDomain: string;
  readonly state: string;
  readonly control: TrustDomainControl;
  readonly endpoint: BundleEndpointStatus;
  readonly cli: (...args: string[]) => Promise<{ code: number; output: string }>;
}

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

async function start(context: TestContext, trustDomain: string, partner: string, webPem?: string): Promise<Side> {
  const state = await temporaryDirectory(context);
  const registration = { name: 'web', spiffeId: `spiffe://${trustDomain}/web`, federatesWith: [partner] };
  const args = [
    '--trust-domain',
    trustDomain,
    '--run-directory',
    join(state, 'run'),
    '--bundle-endpoint',
    '127.0.0.1:0',
  ];
  args.push('--registrations', JSON.stringify([registration]));
  if (webPem !== undefined) args.push('--bundle-endpoint-web', webPem);
  const child = fork(main, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [], env: {} });
  const exited = once(child, 'exit');
  context.after(async () => {
    child.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null]);
  });
  assert.ok(child.stdout);
  const endpoint = await readyEndpoint(child.stdout);
  const cli = async (...command: string[]) => {
    const output: string[] = [];
    const print = (line: string) => output.push(line);
    const code = await runCli({
      args: [...command, '--state-dir', state],
      env: {},
      nowMs: Date.now(),
      print,
      printError: print,
    });
    return { code, output: output.join('\n') };
  };
  return { trustDomain, state, control: createControlClient(controlSocketOf(state)), endpoint, cli };
}

/** The endpoint that the `ready` event names. */
async function readyEndpoint(output: Readable): Promise<BundleEndpointStatus> {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      const { event, bundleEndpoints } = JSON.parse(line);
      if (event === 'ready') resolve(bundleEndpoints[0]);
    });
  });
}

/** Types what federates `side` with `partner`. */
async function federate(side: Side, partner: Side, caFile: string): Promise<void> {
  const { profile, url, spiffeId = '' } = partner.endpoint;
  const args = ['federate', partner.trustDomain, '--profile', profile];
  if (profile === 'https_web') args.push('--endpoint-url', onLocalhost(url), '--endpoint-ca', caFile);
  else {
    const bootstrap = join(side.state, 'partner.json');
    await writeFile(bootstrap, (await partner.cli('bundle')).output);
    args.push('--endpoint-url', url, '--endpoint-id', spiffeId, '--bundle', bootstrap);
  }
  const { code, output } = await side.cli(...args);
  assert.equal(code, EXIT_CODES.done, output);
  assert.match(output, /sequence \d+, fetched \S+Z$/);
}

/** How a workload of `side` sees the roots of another trust domain, now and as they change. */
async function watchRoots(context: TestContext, side: Side, other: string) {
  const [workload] = (await side.control.status()).workloads;
  const source = createWorkloadApiX509Source({ endpoint: workload?.socket ?? assert.fail('no workload') });
  context.after(() => source.close());
  await source.ready();
  const serials = () => {
    const bundle = source.current().bundles.get(TrustDomain.parse(other));
    return bundle?.authorities.map(({ serialNumber }) => serialNumber) ?? [];
  };
  const when = (fits: (roots: readonly string[]) => boolean) =>
    new Promise<void>((resolve) => {
      const look = (_event?: X509SourceEvent) => {
        if (!fits(serials())) return;
        stop();
        resolve();
      };
      const stop = source.subscribe(look);
      look();
    });
  return { serials, when };
}

for (const profile of ['https_spiffe', 'https_web'] as const) {
  test(`B7 D16 D18 two processes federated both ways by ${profile}: the partner rolls its CA, and workloads see it`, async (context) => {
    const web = await createWebCertificate();
    const directory = await temporaryDirectory(context);
    const [pemFile, caFile] = [join(directory, 'web.pem'), join(directory, 'ca.pem')];
    await writeFile(pemFile, `${web.keyPem}${web.certificatePem}`);
    await writeFile(caFile, web.caPem);
    const pem = profile === 'https_web' ? pemFile : undefined;
    const own = await start(context, 'example.org', 'other.org', pem);
    const other = await start(context, 'other.org', 'example.org', pem);
    await federate(own, other, caFile);
    await federate(other, own, caFile);
    const seenByOwn = await watchRoots(context, own, 'other.org');
    const seenByOther = await watchRoots(context, other, 'example.org');
    const rootOf = async ({ control }: Side) => (await control.status()).authorities[0]?.serialNumber ?? 'none';
    assert.deepEqual(seenByOwn.serials(), [await rootOf(other)]);
    assert.deepEqual(seenByOther.serials(), [await rootOf(own)]);

    // With the overlap of its own accord: three refresh hints, so the endpoint is known by its new root before it shows it.
    const { serialNumber, previousSerialNumber } = await other.control.rotateCa({ dropAfterMs: 1000 });
    await seenByOwn.when((roots) => roots.includes(serialNumber) && !roots.includes(previousSerialNumber));
    const [status] = (await own.control.status()).federations;
    assert.equal(status?.lastError, undefined);

    const gone = seenByOwn.when((roots) => roots.length === 0);
    assert.equal((await own.cli('unfederate', 'other.org')).code, EXIT_CODES.done);
    await gone;
    assert.deepEqual(seenByOther.serials(), [await rootOf(own)]);
  });
}
