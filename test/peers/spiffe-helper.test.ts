/**
 * spiffe-helper takes identities from our Workload API and writes files; our file source reads them as they change.
 */
import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext } from 'node:test';
import {
  authorizeId,
  createFileX509Source,
  createWorkloadApiJwtBundleSource,
  type FileX509SourceOptions,
  type LiveX509Source,
  type SpiffeTlsError,
  type SpiffeTlsErrorCode,
  validateJwtSvid,
  type X509Context,
} from '@countersign/spiffe-tls';
import { interopTest } from './interop.ts';
import { callHttps, serveHttps } from './our-side.ts';
import { type PeerProcess, startPeer } from './peer-process.ts';
import { findProgram, printed, runProgram, scratchDirectory } from './program.ts';
import { idOf, type PeerTrustDomains, startTrustDomains } from './trust-domains.ts';

const { program: peer, command } = findProgram('spiffe-helper', ['-version'], /(\d+\.\d+\.\d+)/);
const { command: openssl } = findProgram('openssl', ['version'], /^OpenSSL (\d+\.\d+)/);
const exchange = { peer, ours: 'Workload API and file source' };

let domains: PeerTrustDomains;
before(async () => {
  domains = await startTrustDomains({ intermediates: 1 });
});
after(() => domains.close());

interface Helper {
  readonly directory: string;
  readonly process: PeerProcess;
}

type Setting = string | number | boolean | readonly object[];

/** Starts it on a workload's socket; settles when its first files are written. */
async function startHelper(
  t: TestContext,
  workload: string,
  settings: Readonly<Record<string, Setting>> = {},
): Promise<Helper> {
  const directory = await scratchDirectory(t);
  const all = {
    agent_address: domains.own.socketOf(workload).replace('unix://', ''),
    cert_dir: directory,
    svid_file_name: 'svid.pem',
    svid_key_file_name: 'svid_key.pem',
    svid_bundle_file_name: 'svid_bundle.pem',
    ...settings,
  };
  const config = join(await scratchDirectory(t), 'helper.conf');
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${hclOf(value)}`);
  await writeFile(config, `${lines.join('\n')}\n`);
  const process = startPeer(t, { command, args: ['-config', config] });
  await printed(process, /X\.509 certificates updated/);
  return { directory, process };
}

/** HCL has other signs between name and value than JSON. */
function hclOf(value: Setting): string {
  return JSON.stringify(value).replaceAll(/"(\w+)":/g, '$1 = ');
}

function openSource(t: TestContext, directory: string, options: Partial<FileX509SourceOptions> = {}): LiveX509Source {
  const source = createFileX509Source({ directory, producer: 'spiffe-helper', ...options });
  t.after(() => source.close());
  return source;
}

/** The context, of now or of a later update, that `is` accepts. */
function contextWith(source: LiveX509Source, is: (context: X509Context) => boolean): Promise<X509Context> {
  return new Promise((resolve) => {
    const stop = source.subscribe((event) => {
      if (event.type !== 'update' || !is(event.context)) return;
      stop();
      resolve(event.context);
    });
    if (!is(source.current())) return;
    stop();
    resolve(source.current());
  });
}

/** Why a source comes to no identity. */
async function assertUseless(source: LiveX509Source, code: SpiffeTlsErrorCode): Promise<string> {
  const error = await new Promise<SpiffeTlsError>((resolve, reject) => {
    source.subscribe((event) => void (event.type === 'error' && resolve(event.error)));
    source.ready().then(() => reject(new Error('the files were taken')), reject);
  });
  assert.equal(error.code, code);
  assert.throws(() => source.current());
  return code;
}

interopTest({ ...exchange, what: 'the files it writes, mTLS with them', expected: 'accept' }, async (t) => {
  const { directory } = await startHelper(t, 'server');
  const source = openSource(t, directory);
  const { svid } = await source.ready();
  assert.equal(`${svid.id}`, `${idOf('server')}`);
  const ours = await serveHttps(t, source, authorizeId(idOf('client')));
  const answer = await callHttps(t, domains.own.socketOf('client'), ours.port, authorizeId(idOf('server')));
  assert.equal(answer, `Hello ${idOf('client')}`);
  const stranger = callHttps(t, domains.own.socketOf('stranger'), ours.port, authorizeId(idOf('server')));
  await assert.rejects(stranger);
  assert.equal((await ours.refused()).code, 'PEER_NOT_AUTHORIZED');
  return `${idOf('server')}`;
});

// T25
interopTest({ ...exchange, what: 'openssl verifies them, the key is mode 0600', expected: 'accept' }, async (t) => {
  const { directory } = await startHelper(t, 'client');
  const [svid, bundle] = [join(directory, 'svid.pem'), join(directory, 'svid_bundle.pem')];
  const args = ['verify', '-purpose', 'sslclient', '-CAfile', bundle, '-untrusted', svid, svid];
  const { code, text } = await runProgram(t, { command: openssl, args });
  assert.equal(code, 0, text);
  assert.match(text, /svid\.pem: OK/);
  assert.equal((await stat(join(directory, 'svid_key.pem'))).mode & 0o777, 0o600);
  return 'OK';
});

// T26
interopTest({ ...exchange, what: 'a rotation, three files one after another', expected: 'accept' }, async (t) => {
  const { directory } = await startHelper(t, 'client');
  const source = openSource(t, directory);
  await source.ready();
  const [rotated] = await domains.own.rotate('client');
  const serial = rotated?.identities[0]?.serialNumber;
  const { svid } = await contextWith(source, (context) => context.svid.leaf.serialNumber === serial);
  assert.equal(`${svid.id}`, `${idOf('client')}`);
  assert.equal(source.health().lastError, undefined);
  return 'the new SVID, no error in between';
});

interopTest({ ...exchange, what: 'a new CA, and the old one dropped', expected: 'accept' }, async (t) => {
  const { directory } = await startHelper(t, 'client');
  const source = openSource(t, directory);
  const { svid: first } = await source.ready();
  const authorities = ({ bundles }: X509Context) => bundles.get(first.id.trustDomain)?.authorities.length;
  const both = contextWith(source, (context) => authorities(context) === 2);
  const { serialNumber } = await domains.own.rotateCa({ settleMs: 500, dropAfterMs: 500 });
  await both;
  await domains.own.whenOldRootsDropped();
  const { bundles } = await contextWith(source, (context) => authorities(context) === 1);
  assert.equal(bundles.get(first.id.trustDomain)?.authorities[0]?.serialNumber, serialNumber);
  return 'a bundle of two, then the new CA alone';
});

// T14
interopTest({ ...exchange, what: 'the identity with the hint asked for', expected: 'accept' }, async (t) => {
  for (const hint of ['external', 'internal'])
    await domains.own.register({ name: 'hinted', spiffeId: `spiffe://example.org/${hint}`, hint });
  const { directory } = await startHelper(t, 'hinted', { hint: 'internal' });
  const { svid } = await openSource(t, directory).ready();
  assert.equal(`${svid.id}`, 'spiffe://example.org/internal');
  return 'spiffe://example.org/internal';
});

interopTest({ ...exchange, what: 'a JWT-SVID in a file', expected: 'accept' }, async (t) => {
  const audience = 'spiffe://example.org/server';
  const { directory, process } = await startHelper(t, 'client', {
    jwt_svids: [{ jwt_audience: audience, jwt_svid_file_name: 'token' }],
  });
  await printed(process, /JWT SVID updated/);
  const token = (await readFile(join(directory, 'token'), 'utf8')).trim();
  const bundles = createWorkloadApiJwtBundleSource({ endpoint: domains.own.socketOf('server') });
  t.after(() => bundles.close());
  await bundles.ready();
  const { id } = validateJwtSvid(token, { audience, bundles, nowMs: Date.now() });
  assert.equal(`${id}`, `${idOf('client')}`);
  return `${id}`;
});

for (const [what, settings, code] of [
  ['a bundle merged with those of federated trust domains', { include_federated_domains: true }, 'BUNDLE_AMBIGUOUS'],
  ['a bundle with intermediates', { add_intermediates_to_bundle: true }, 'BUNDLE_AMBIGUOUS'],
  ['a private key that everybody may read', { key_file_mode: 0o644 }, 'PRIVATE_KEY_EXPOSED'],
] satisfies ReadonlyArray<readonly [string, Readonly<Record<string, Setting>>, SpiffeTlsErrorCode]>) {
  interopTest({ ...exchange, what, expected: 'refuse' }, async (t) => {
    const { directory } = await startHelper(t, 'client', settings);
    return assertUseless(openSource(t, directory), code);
  });
}

interopTest(
  { ...exchange, what: 'the same merged bundle, with a file for each trust domain named', expected: 'accept' },
  async (t) => {
    const { directory } = await startHelper(t, 'client', { include_federated_domains: true });
    const merged = await readFile(join(directory, 'svid_bundle.pem'), 'utf8');
    const [own = '', partner = ''] = merged.split(/(?<=-----END CERTIFICATE-----\n)/);
    await writeFile(join(directory, 'own.pem'), own);
    await writeFile(join(directory, 'partner.pem'), partner);
    const bundles = { 'example.org': 'own.pem', 'partner.example': 'partner.pem' };
    const context = await openSource(t, directory, { bundles }).ready();
    const names = context.bundles.trustDomains().map(({ name }) => name);
    assert.deepEqual(names.sort(), ['example.org', 'partner.example']);
    return names.join(', ');
  },
);

interopTest({ ...exchange, what: 'a CA of another trust domain under its name', expected: 'refuse' }, async (t) => {
  const { directory } = await startHelper(t, 'client', { include_federated_domains: true });
  const bundles = { 'example.org': 'svid_bundle.pem' };
  return assertUseless(openSource(t, directory, { bundles }), 'BUNDLE_AMBIGUOUS');
});
