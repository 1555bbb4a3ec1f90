/** A folder in place of an unsigned bundle's data: edits that count, edits that don't, and how editors make them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  archive,
  bundleWith,
  CALLER,
  committedFiles,
  GRANTS,
  httpInput,
  MASKED_CALLER,
  SELF,
} from '../../test/bundles.ts';
import { createPolicyEngine, type PolicyEvent, type PolicyStatus } from '../policy-engine.ts';

const revoked = { [SELF]: { [MASKED_CALLER]: { 'GET /': {} } } };

async function setUp(t: TestContext, bundle?: Buffer) {
  const folder = await mkdtemp(join(tmpdir(), 'policy-data-'));
  const write = async (name: string, content: string): Promise<void> => {
    await mkdir(dirname(join(folder, 'data', name)), { recursive: true });
    await writeFile(join(folder, 'data', name), content);
  };
  const bundlePath = join(folder, 'bundle.tar.gz');
  await writeFile(bundlePath, bundle ?? (await bundleWith()));
  await write('grants/data.json', JSON.stringify(GRANTS, null, 2));
  const engine = await createPolicyEngine({
    bundlePath,
    watchIntervalMs: 0,
    dataPath: join(folder, 'data'),
    dataIntervalMs: 10,
  });
  const events: PolicyEvent[] = [];
  const waiting = new Set<() => void>();
  engine.subscribe((event) => {
    events.push(event);
    for (const look of waiting) look();
  });
  t.after(async () => {
    engine.close();
    await rm(folder, { recursive: true });
  });
  /** The first event of a kind, past or to come. */
  const event = (type: PolicyEvent['type']): Promise<PolicyEvent> =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = events.find((candidate) => candidate.type === type);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { engine, folder: join(folder, 'data'), write, events, event, bundlePath };
}

const revisionOf = (status: PolicyStatus): string => (status.state === 'loaded' ? status.revision : '');

test('policy data: an edit changes the next decision, the list of peers and the revision', {
  timeout: 20_000,
}, async (t) => {
  const { engine, write, event } = await setUp(t);
  const before = revisionOf(engine.status());
  assert.equal(engine.decide(httpInput()).allow, true);
  assert.equal(before.includes('+'), false, 'the same data is the same policy');
  await write('grants/data.json', JSON.stringify(revoked));
  await event('loaded');
  assert.equal(engine.decide(httpInput()).reason, 'peer-has-no-grant');
  assert.deepEqual([...engine.peersOf(SELF)], [MASKED_CALLER]);
  assert.match(engine.decide(httpInput()).revision, new RegExp(`^${before}\\+data\\.[0-9a-f]{16}$`));
});

test('policy data: nothing is compiled for it', { timeout: 20_000 }, async (t) => {
  const { engine, write } = await setUp(t);
  const compile = t.mock.method(WebAssembly, 'compile');
  await write('grants/data.json', JSON.stringify(revoked));
  await new Promise((resolve) => engine.subscribe(resolve));
  assert.equal(engine.decide(httpInput()).allow, false);
  assert.equal(compile.mock.callCount(), 0);
});

test('policy data: an editor that writes another file and renames it is followed', { timeout: 20_000 }, async (t) => {
  const { engine, write, folder, event } = await setUp(t);
  await write('grants/.data.json.swp', JSON.stringify(revoked));
  await rename(join(folder, 'grants/.data.json.swp'), join(folder, 'grants/data.json'));
  await event('loaded');
  assert.equal(engine.decide(httpInput()).allow, false);
});

const CORRUPT: [name: string, file: string, content: string, message: RegExp][] = [
  ['half a file', 'grants/data.json', JSON.stringify(GRANTS).slice(0, 100), /must be JSON/],
  ['an empty file', 'grants/data.json', '', /must be JSON/],
  ['grants that break the schema', 'grants/data.json', JSON.stringify({ [SELF]: { '*': {} } }), /pattern/],
  [
    'a misspelt obligation',
    'grants/data.json',
    JSON.stringify({ [SELF]: { [CALLER]: { 'GET /': { masc: ['a'] } } } }),
    /additional/,
  ],
  ['a second file for one value', 'more/../grants/more.json', '[]', /must be given by one file|must be an object/],
  ['YAML', 'grants/more.yaml', 'a: 1', /must be JSON, got "grants\/more\.yaml"/],
];
for (const [name, file, content, message] of CORRUPT) {
  test(`policy data: kept as it was: ${name}`, { timeout: 20_000 }, async (t) => {
    const { engine, write, event } = await setUp(t);
    const before = revisionOf(engine.status());
    await write(file, content);
    const refused = await event('refused');
    assert.ok(refused.type === 'refused');
    assert.equal(refused.error.code, 'DATA_INVALID');
    assert.match(refused.error.message, message);
    const status = engine.status();
    assert.equal(status.state, 'loaded');
    assert.equal(status.error?.code, 'DATA_INVALID');
    assert.equal(revisionOf(status), before);
    assert.equal(engine.decide(httpInput()).allow, true);
  });
}

test('policy data: put right again, it is no longer reported', { timeout: 20_000 }, async (t) => {
  const { engine, write, event } = await setUp(t);
  await write('grants/data.json', '{');
  await event('refused');
  await write('grants/data.json', JSON.stringify(GRANTS));
  await event('recovered');
  assert.equal(engine.status().error, undefined);
});

test('policy data: a folder that goes away leaves the last good data', { timeout: 20_000 }, async (t) => {
  const { engine, folder, event, events } = await setUp(t);
  await rename(folder, `${folder}-away`);
  await event('refused');
  assert.equal(engine.decide(httpInput()).allow, true);
  await symlink(`${folder}-away`, folder);
  await event('recovered');
  assert.deepEqual(
    events.map(({ type }) => type),
    ['refused', 'recovered'],
  );
});

async function signedBundle(grants: object): Promise<Buffer> {
  const { manifest, wasm } = await committedFiles();
  return archive([
    ['/data.json', JSON.stringify({ grants })],
    ['/policy.wasm', wasm],
    ['/.manifest', manifest],
    ['/.signatures.json', '{"signatures":["a.b.c"]}'],
  ]);
}

test('policy data: a signed bundle keeps its own, verified or not', async (t) => {
  const { engine } = await setUp(t, await signedBundle(revoked));
  assert.equal(engine.decide(httpInput()).allow, false);
  await engine.reload();
  assert.equal(engine.decide(httpInput()).allow, false);
});

test('policy data: a signed bundle that takes the place of an unsigned one brings its own data', async (t) => {
  const { engine, bundlePath, write } = await setUp(t);
  await write('grants/data.json', JSON.stringify({ ...GRANTS, 'spiffe://example.org/other': {} }));
  await engine.reload();
  assert.equal(engine.decide(httpInput()).allow, true);
  await writeFile(bundlePath, await signedBundle(revoked));
  const status = await engine.reload();
  assert.equal(engine.decide(httpInput()).allow, false);
  assert.equal(revisionOf(status).includes('+'), false);
});

test('policy data: never together with keys', async () => {
  const options = { bundlePath: 'x', dataPath: 'y', verificationKeys: [] };
  await assert.rejects(createPolicyEngine(options), TypeError);
  await assert.rejects(createPolicyEngine({}), TypeError);
});
