import assert from 'node:assert/strict';
import { chmod, mkdir, rename, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createManualClock, createTestCa, type ManualClock } from '@countersign/testkit';
import {
  createDirectory,
  csiFiles,
  helperFiles,
  pemOf,
  writeAtomically,
  writeInPlace,
  writeOneByOne,
} from '../test/file-producers.ts';
import { codeOf, nextEvent, serialInUse } from '../test/source-setup.ts';
import { createFileX509Source, type FileX509SourceOptions } from './file-source.ts';
import type { LiveX509Source } from './source-lifecycle.ts';
import { TrustDomain } from './trust-domain.ts';

const ca = await createTestCa({ trustDomain: 'example.org' });
const nextCa = await createTestCa({ trustDomain: 'example.org' });
const partner = await createTestCa({ trustDomain: 'partner.example' });
/** As cert-manager makes them: nothing says which trust domain it is for. */
const namelessCa = await createTestCa({ trustDomain: 'example.org', uris: [] });
const web = await ca.issue({ path: '/web' });
const renewed = await ca.issue({ path: '/web' });
const POLL_MS = 30_000;
const WAITS_MS = [50, 100, 200, 400, 500] as const;

type Options = Partial<FileX509SourceOptions> & Pick<FileX509SourceOptions, 'directory'>;

/** A source that looks when its clock is moved, and at nothing else. */
function openPolling(t: TestContext, options: Options): { source: LiveX509Source; clock: ManualClock } {
  const clock = createManualClock();
  const source = createFileX509Source({ producer: 'spiffe-helper', watch: false, clock, ...options });
  t.after(() => source.close());
  return { source, clock };
}

/** One that watches, with the system's time. */
function openWatching(t: TestContext, options: Options): LiveX509Source {
  const source = createFileX509Source({ producer: 'spiffe-helper', ...options });
  t.after(() => source.close());
  return source;
}

/** Moves time to the next look, and waits until it is over: until the one after it is due in `thenMs`. */
async function look(clock: ManualClock, dueMs: number, thenMs: number): Promise<void> {
  await clock.waitedFor(dueMs);
  clock.advance(dueMs);
  await clock.waitedFor(thenMs);
}

/** Moves time on until a source that has an identity rests again: all settling and all retries are over. */
async function exhaustRetries(clock: ManualClock): Promise<void> {
  let waitMs = await nextWait(clock);
  do {
    clock.advance(waitMs);
    waitMs = await nextWait(clock);
  } while (waitMs !== POLL_MS);
}

function nextWait(clock: ManualClock): Promise<number> {
  return Promise.race([...WAITS_MS, POLL_MS].map((ms) => clock.waitedFor(ms).then(() => ms)));
}

/** From the first read of files that are no good to the end of the retries, while there is no identity. */
async function exhaustFirstRetries(clock: ManualClock): Promise<void> {
  for (const [index, waitMs] of [50, ...WAITS_MS].entries()) await look(clock, waitMs, WAITS_MS[index] ?? 500);
}

test('B4 csi-driver-spiffe: one trust domain, taken from the leaf, with a CA that names none', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(await namelessCa.issue({ path: '/web' }), namelessCa));
  const source = openWatching(t, { directory, producer: 'csi-driver-spiffe' });
  const { svid, svids, bundles } = await source.ready();
  assert.equal(svid.id.toString(), 'spiffe://example.org/web');
  assert.equal(svids.length, 1);
  assert.deepEqual(bundles.trustDomains().map(String), ['example.org']);
  assert.equal(source.health().usable, true);
});

test('B4 spiffe-helper: a chain with an intermediate, a bundle with two roots', async (t) => {
  const directory = await createDirectory(t);
  const issuing = await ca.intermediate();
  await writeOneByOne(directory, helperFiles(await issuing.issue({ path: '/web' }), ca, nextCa));
  const { svid, bundles } = await openWatching(t, { directory }).ready();
  assert.equal(svid.chain.length, 2);
  assert.equal(bundles.get(TrustDomain.parse('example.org'))?.authorities.length, 2);
});

test('T26 the swap of ..data is seen by the watcher, and the new SVID is in use', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(web, ca));
  const source = openWatching(t, { directory, producer: 'csi-driver-spiffe' });
  await source.ready();
  const update = nextEvent(source, 'update');
  await writeAtomically(directory, csiFiles(renewed, ca));
  assert.deepEqual((await update).changed, { svid: true, bundles: false });
  assert.equal(serialInUse(source), renewed.svid().leaf.serialNumber);
});

test('T26 without a watcher the poll sees it', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(web, ca));
  const { source, clock } = openPolling(t, { directory, producer: 'csi-driver-spiffe' });
  await source.ready();
  await writeAtomically(directory, csiFiles(renewed, ca));
  await look(clock, POLL_MS, POLL_MS);
  assert.equal(serialInUse(source), renewed.svid().leaf.serialNumber);
});

test('T26 a CA-only change is an update of the bundles alone, in both layouts', async (t) => {
  for (const producer of ['csi-driver-spiffe', 'spiffe-helper'] as const) {
    const directory = await createDirectory(t);
    const [write, files] =
      producer === 'spiffe-helper' ? ([writeOneByOne, helperFiles] as const) : ([writeAtomically, csiFiles] as const);
    await write(directory, files(web, ca));
    const source = openWatching(t, { directory, producer });
    await source.ready();
    const update = nextEvent(source, 'update');
    await write(directory, files(web, ca, nextCa));
    assert.deepEqual((await update).changed, { svid: false, bundles: true }, producer);
  }
});

test('T11 T26 files written again with the same bytes are no update', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(web, ca));
  const { source, clock } = openPolling(t, { directory, producer: 'csi-driver-spiffe' });
  const first = await source.ready();
  const types: string[] = [];
  source.subscribe(({ type }) => types.push(type));
  await writeAtomically(directory, csiFiles(web, ca));
  await look(clock, POLL_MS, POLL_MS);
  assert.equal(source.current(), first);
  assert.deepEqual(types, []);
  assert.equal(source.health().counts.accepted, 1);
});

test('T13 T26 a new certificate with the old key is never in use, nor told of while the writer goes on', async (t) => {
  const directory = await createDirectory(t);
  await writeOneByOne(directory, helperFiles(web, ca));
  const { source, clock } = openPolling(t, { directory });
  await look(clock, 50, POLL_MS);
  const types: string[] = [];
  source.subscribe(({ type }) => types.push(type));
  await writeOneByOne(directory, helperFiles(renewed, ca), 'svid_key.pem');
  // Read, read the same again, and judged: a key that does not fit is read again after 50 ms.
  await look(clock, POLL_MS, 50);
  await look(clock, 50, 50);
  assert.equal(serialInUse(source), web.svid().leaf.serialNumber);
  await writeOneByOne(directory, helperFiles(renewed, ca));
  await look(clock, 50, 50);
  await look(clock, 50, POLL_MS);
  assert.equal(serialInUse(source), renewed.svid().leaf.serialNumber);
  assert.deepEqual(types, ['update']);
});

test('T26 a bundle that is cut between two certificates is not in use before it stands still', async (t) => {
  const directory = await createDirectory(t);
  await writeOneByOne(directory, helperFiles(web, ca));
  const { source, clock } = openPolling(t, { directory });
  await look(clock, 50, POLL_MS);
  await writeInPlace(join(directory, 'svid_bundle.pem'), pemOf([nextCa, ca]));
  await look(clock, POLL_MS, 50);
  assert.equal(source.current().bundles.get(TrustDomain.parse('example.org'))?.authorities.length, 1);
  await writeInPlace(join(directory, 'svid_bundle.pem'), pemOf([nextCa, ca, await extraCa]));
  await look(clock, 50, 50);
  assert.equal(source.current().bundles.get(TrustDomain.parse('example.org'))?.authorities.length, 1, 'it has moved');
  await look(clock, 50, POLL_MS);
  assert.equal(source.current().bundles.get(TrustDomain.parse('example.org'))?.authorities.length, 3);
});
const extraCa = createTestCa({ trustDomain: 'example.org' });

const EXPIRED = { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) };
const LATER = { notBefore: new Date(Date.now() + 3_600_000), notAfter: new Date(Date.now() + 7_200_000) };
const stranger = await nextCa.issue({ path: '/web' });
const foreign = await partner.issue({ path: '/web' });
const pathless = await ca.issue({ path: '' });

/** Name, what the producer has left, and the code. */
const REFUSALS: ReadonlyArray<readonly [string, (directory: string) => Promise<unknown>, string]> = [
  ['certificate new, key old', (d) => writeOneByOne(d, helperFiles(renewed, ca), 'svid_key.pem'), 'KEY_MISMATCH'],
  ['certificate cut', (d) => truncate(join(d, 'svid.pem'), 200), 'CERTIFICATE_MALFORMED'],
  ['certificate emptied', (d) => truncate(join(d, 'svid.pem'), 0), 'CERTIFICATE_MALFORMED'],
  ['key cut', (d) => truncate(join(d, 'svid_key.pem'), 60), 'CERTIFICATE_MALFORMED'],
  ['key emptied', (d) => truncate(join(d, 'svid_key.pem'), 0), 'PRIVATE_KEY_INVALID'],
  ['key of another kind', (d) => relabelKey(d, 'EC PRIVATE KEY'), 'PRIVATE_KEY_INVALID'],
  ['key encrypted', (d) => relabelKey(d, 'ENCRYPTED PRIVATE KEY'), 'PRIVATE_KEY_INVALID'],
  ['two keys', (d) => writeInPlace(join(d, 'svid_key.pem'), web.keyPem + renewed.keyPem), 'PRIVATE_KEY_INVALID'],
  ['bundle cut', (d) => truncate(join(d, 'svid_bundle.pem'), 200), 'INVALID_BUNDLE'],
  ['bundle emptied', (d) => truncate(join(d, 'svid_bundle.pem'), 0), 'INVALID_BUNDLE'],
  ['a key in the bundle', (d) => writeInPlace(join(d, 'svid_bundle.pem'), ca.pem + web.keyPem), 'INVALID_BUNDLE'],
  [
    'a key in the chain',
    (d) => writeInPlace(join(d, 'svid.pem'), web.certificatePem + web.keyPem),
    'CERTIFICATE_MALFORMED',
  ],
  ['certificate missing', (d) => rm(join(d, 'svid.pem')), 'FILE_UNREADABLE'],
  ['key missing', (d) => rm(join(d, 'svid_key.pem')), 'FILE_UNREADABLE'],
  ['bundle missing', (d) => rm(join(d, 'svid_bundle.pem')), 'FILE_UNREADABLE'],
  ['a directory in the place of the key', (d) => directoryInPlace(join(d, 'svid_key.pem')), 'FILE_UNREADABLE'],
  ['a link to itself', (d) => loopInPlace(join(d, 'svid.pem')), 'FILE_UNREADABLE'],
  ['a file that is far too long', (d) => truncate(join(d, 'svid_bundle.pem'), 2 ** 21), 'FILE_UNREADABLE'],
  ['T25 a key for everybody', (d) => chmod(join(d, 'svid_key.pem'), 0o644), 'PRIVATE_KEY_EXPOSED'],
  ['expired', async (d) => writeOneByOne(d, helperFiles(await ca.issue(EXPIRED), ca)), 'EXPIRED'],
  ['not yet valid', async (d) => writeOneByOne(d, helperFiles(await ca.issue(LATER), ca)), 'NOT_YET_VALID'],
  ['of a CA that is not in the bundle', (d) => writeOneByOne(d, helperFiles(stranger, ca)), 'UNTRUSTED_CHAIN'],
  ['T18 of a trust domain itself', (d) => writeOneByOne(d, helperFiles(pathless, ca)), 'SVID_PATH_EMPTY'],
  ['of another trust domain than the CA', (d) => writeOneByOne(d, helperFiles(foreign, ca)), 'BUNDLE_AMBIGUOUS'],
  ['a merged bundle', (d) => writeOneByOne(d, helperFiles(web, ca, partner)), 'BUNDLE_AMBIGUOUS'],
  ['a CA that names no trust domain', (d) => writeOneByOne(d, helperFiles(web, ca, namelessCa)), 'BUNDLE_AMBIGUOUS'],
  [
    'an intermediate in the bundle',
    async (d) => writeOneByOne(d, helperFiles(web, ca, await ca.intermediate())),
    'BUNDLE_AMBIGUOUS',
  ],
];

async function relabelKey(directory: string, label: string): Promise<void> {
  await writeInPlace(join(directory, 'svid_key.pem'), web.keyPem.replaceAll('PRIVATE KEY', label));
}

async function directoryInPlace(path: string): Promise<void> {
  await rm(path);
  await mkdir(path);
}

async function loopInPlace(path: string): Promise<void> {
  await rm(path);
  await symlink(path, path);
}

for (const [name, spoil, code] of REFUSALS) {
  test(`T26 L67 refused, and the last good identity stays: ${name}`, async (t) => {
    const directory = await createDirectory(t);
    await writeOneByOne(directory, helperFiles(web, ca));
    const { source, clock } = openPolling(t, { directory });
    await look(clock, 50, POLL_MS);
    const good = source.current();
    const told = nextEvent(source, 'error');
    await spoil(directory);
    await exhaustRetries(clock);
    assert.equal((await told).error.code, code);
    assert.equal(source.current(), good);
    const { status, usable, lastError } = source.health();
    assert.deepEqual([status, usable, lastError?.code], ['ready', true, code]);
    assert.doesNotMatch(JSON.stringify([lastError?.message, lastError?.got]), /PRIVATE KEY-----/);
    await chmod(join(directory, 'svid_key.pem'), 0o600).catch(() => {});
    await rm(directory, { recursive: true });
    await mkdir(directory);
    await writeOneByOne(directory, helperFiles(renewed, ca));
    await look(clock, POLL_MS, 50);
    await look(clock, 50, POLL_MS);
    assert.equal(serialInUse(source), renewed.svid().leaf.serialNumber, 'and it recovers');
    assert.equal(source.health().lastError, undefined);
  });
}

test('T26 a file that may not be read keeps the last good identity, and is said to be EACCES', async (t) => {
  const { getuid, seteuid } = process;
  if (getuid === undefined || seteuid === undefined) return t.skip('no users here');
  const directory = await createDirectory(t);
  await writeOneByOne(directory, helperFiles(web, ca));
  await chmod(directory, 0o755);
  const { source, clock } = openPolling(t, { directory });
  await look(clock, 50, POLL_MS);
  const good = source.current();
  await chmod(join(directory, 'svid_key.pem'), 0o000);
  // Root may read everything, so for a moment this process is somebody else.
  const isRoot = getuid() === 0;
  if (isRoot) seteuid(65534);
  try {
    await exhaustRetries(clock);
  } finally {
    if (isRoot) seteuid(0);
  }
  assert.equal(source.current(), good);
  const { connected, lastError, counts } = source.health();
  assert.deepEqual(
    [connected, lastError?.code, lastError?.got, counts.failures],
    [false, 'FILE_UNREADABLE', 'EACCES', 1],
  );
  await chmod(join(directory, 'svid_key.pem'), 0o600);
  await look(clock, POLL_MS, POLL_MS);
  assert.equal(source.health().lastError, undefined);
});

test('T26 a bad state of a volume is whole: it is told at once, not after retries', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(web, ca));
  const { source, clock } = openPolling(t, { directory, producer: 'csi-driver-spiffe' });
  await clock.waitedFor(POLL_MS);
  const told = nextEvent(source, 'error');
  await writeAtomically(directory, { ...csiFiles(renewed, ca), 'tls.key': web.keyPem });
  await look(clock, POLL_MS, POLL_MS);
  assert.equal((await told).error.code, 'KEY_MISMATCH');
  assert.equal(serialInUse(source), web.svid().leaf.serialNumber);
});

test('B4 csi-driver-spiffe without ca.crt is a mistake in the configuration, said at once', async (t) => {
  const directory = await createDirectory(t);
  const { 'ca.crt': _left, ...files } = csiFiles(web, ca);
  await writeAtomically(directory, files);
  const { source, clock } = openPolling(t, { directory, producer: 'csi-driver-spiffe' });
  await assert.rejects(source.ready(), { code: 'BUNDLE_MISSING', message: /must be configured with root CAs/ });
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_NOT_READY',
  );
  assert.equal(source.health().status, 'stopped');
  assert.deepEqual(clock.pending(), [], 'it does not look again');
});

test('B4 a ca.crt that goes away later leaves the last good identity', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(web, ca));
  const { source, clock } = openPolling(t, { directory, producer: 'csi-driver-spiffe' });
  const good = await source.ready();
  const { 'ca.crt': _left, ...files } = csiFiles(renewed, ca);
  await writeAtomically(directory, files);
  await look(clock, POLL_MS, POLL_MS);
  assert.equal(source.current(), good);
  assert.equal(source.health().lastError?.code, 'BUNDLE_MISSING');
});

test('T4 csi-driver-spiffe: a CA that names another trust domain is refused', async (t) => {
  const directory = await createDirectory(t);
  await writeAtomically(directory, csiFiles(web, ca, partner));
  const { source } = openPolling(t, { directory, producer: 'csi-driver-spiffe' });
  assert.equal((await nextEvent(source, 'error')).error.code, 'BUNDLE_AMBIGUOUS');
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_NOT_READY',
  );
});

test('T4 with a file for each trust domain, federated CAs and nameless ones stay apart', async (t) => {
  const directory = await createDirectory(t);
  const elsewhere = await createDirectory(t);
  const own = await namelessCa.issue({ path: '/web' });
  await writeOneByOne(directory, { ...helperFiles(own), 'own.pem': namelessCa.pem });
  await writeAtomically(elsewhere, { 'partner.pem': partner.pem });
  const bundles = { 'example.org': 'own.pem', 'partner.example': join(elsewhere, 'partner.pem') };
  const source = openWatching(t, { directory, bundles });
  const context = await source.ready();
  assert.deepEqual(context.bundles.trustDomains().map(String), ['example.org', 'partner.example']);
  assert.ok(context.bundles.get(partner.trustDomain)?.has(partner.certificate()));
  assert.ok(!context.bundles.get(ca.trustDomain)?.has(partner.certificate()));
  const update = nextEvent(source, 'update');
  const partnerNext = await createTestCa({ trustDomain: 'partner.example' });
  await writeAtomically(elsewhere, { 'partner.pem': pemOf([partner, partnerNext]) });
  assert.deepEqual((await update).changed, { svid: false, bundles: true }, 'the other directory is watched too');
});

test('T4 a file named for one trust domain may not hold the CA of another', async (t) => {
  const directory = await createDirectory(t);
  await writeOneByOne(directory, { ...helperFiles(web, ca), 'merged.pem': pemOf([ca, partner]) });
  const bundles = { 'example.org': 'svid_bundle.pem', 'partner.example': 'merged.pem' };
  const { source, clock } = openPolling(t, { directory, bundles });
  const told = nextEvent(source, 'error');
  await exhaustFirstRetries(clock);
  assert.equal((await told).error.code, 'BUNDLE_AMBIGUOUS');
});

test('T7 files that come late make the source ready; a directory that is replaced is watched again', async (t) => {
  const parent = await createDirectory(t);
  const directory = join(parent, 'svids');
  const source = openWatching(t, { directory });
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_NOT_READY',
  );
  await mkdir(directory);
  await writeOneByOne(directory, helperFiles(web, ca));
  await source.ready();
  const update = nextEvent(source, 'update');
  await rename(directory, join(parent, 'old'));
  await mkdir(directory);
  await writeOneByOne(directory, helperFiles(renewed, ca));
  await update;
  assert.equal(serialInUse(source), renewed.svid().leaf.serialNumber);
});

test('T8 the deadline names what is wrong with the files', async (t) => {
  const directory = await createDirectory(t);
  await writeOneByOne(directory, helperFiles(stranger, ca));
  const { source, clock } = openPolling(t, { directory, initialTimeoutMs: 2000 });
  await exhaustFirstRetries(clock);
  clock.advance(2000);
  await assert.rejects(source.ready(), { code: 'SOURCE_TIMEOUT', message: /no path|bundle/ });
  assert.equal(
    codeOf(() => source.current()),
    'SOURCE_TIMEOUT',
  );
});

test('T8 close and abort end all waiting, and can be called twice', async (t) => {
  const directory = await createDirectory(t);
  const abort = new AbortController();
  const { source, clock } = openPolling(t, { directory, signal: abort.signal });
  await clock.waitedFor(50);
  abort.abort();
  source.close();
  source.close();
  await assert.rejects(source.ready(), { code: 'SOURCE_CLOSED' });
  assert.deepEqual(clock.pending(), []);
  const done = createFileX509Source({ directory, producer: 'spiffe-helper', signal: AbortSignal.abort() });
  await assert.rejects(done.ready(), { code: 'SOURCE_CLOSED' });
});

test("L67 ownSvidChecks: 'warn' takes an expired SVID and says so", async (t) => {
  const directory = await createDirectory(t);
  await writeOneByOne(directory, helperFiles(await ca.issue(EXPIRED), ca));
  const { source, clock } = openPolling(t, { directory, ownSvidChecks: 'warn' });
  const told = nextEvent(source, 'error');
  await look(clock, 50, POLL_MS);
  assert.equal((await told).error.code, 'EXPIRED');
  const { status, usable } = source.health();
  assert.deepEqual([status, usable], ['ready', false]);
});

test('options of no use are refused at once', () => {
  const usual = { directory: '/tmp', producer: 'spiffe-helper' } as const;
  const wrong = [
    { ...usual, directory: '' },
    { ...usual, producer: 'vault' },
    { ...usual, bundles: {} },
    { ...usual, pollIntervalMs: 0 },
    { ...usual, initialTimeoutMs: -1 },
  ];
  for (const options of wrong)
    assert.throws(() => Reflect.apply(createFileX509Source, undefined, [options]), TypeError);
  assert.throws(() => createFileX509Source({ ...usual, bundles: { 'spiffe://a': 'a.pem' } }), {
    code: 'INVALID_TRUST_DOMAIN',
  });
});
