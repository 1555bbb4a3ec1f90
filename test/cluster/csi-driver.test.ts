/**
 * The CSI driver, or what stands in for it: a volume is the folder with the agent's socket, which nobody can write to, and whoever
 * asks for another one gets none, and does not start.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Api, openApi } from './suite/api.ts';
import { eventually } from './suite/eventually.ts';
import { execIn } from './suite/forward.ts';
import { corePath, type ListOf, type Volume } from './suite/objects.ts';
import { NODE, startTwin, type TwinOptions } from './suite/twin.ts';

const VOLUME = 'spiffe-workload-api';
const base = { of: 'customer', serviceAccount: 'auditor', idle: true } as const;

let api: Api;

before(async () => {
  api = await openApi();
});

after(() => api?.[Symbol.asyncDispose]());

/** What a pod sees of its volume. */
const LOOK = `
  const { lstatSync, readdirSync, readFileSync, writeFileSync } = require('node:fs');
  const folder = '/spiffe-workload-api';
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\\n').map((line) => line.split(' '));
  const codeOf = (action) => { try { action(); return 'done'; } catch ({ code }) { return code; } };
  process.stdout.write(JSON.stringify({
    entries: readdirSync(folder).map((name) => [name, lstatSync(folder + '/' + name).isSocket()]),
    access: mounts.find(([, at]) => at === folder)[3].split(',')[0],
    writing: codeOf(() => writeFileSync(folder + '/new', '')),
  }));
`;

test("an ordinary volume is the agent's socket and nothing else, and can't be written to", async () => {
  await using twin = await startTwin(api, { ...base, name: 'csi-ordinary' });
  await twin.ready();
  const seen: unknown = JSON.parse(await execIn(twin.pod, twin.container, [NODE, '--eval', LOOK]));
  assert.deepEqual(seen, {
    entries: [['spire-agent.sock', true]],
    access: 'ro',
    writing: 'EROFS',
  });
});

test('two pods at once have it, and one that goes takes nothing from the other', async () => {
  await using staying = await startTwin(api, { ...base, name: 'csi-staying' });
  await staying.ready();
  {
    // Its end waits until the kubelet has taken its volumes away.
    await using going = await startTwin(api, { ...base, name: 'csi-going' });
    await going.ready();
  }
  const seen: { entries: unknown } = JSON.parse(await execIn(staying.pod, staying.container, [NODE, '--eval', LOOK]));
  assert.deepEqual(seen.entries, [['spire-agent.sock', true]]);
});

/** A volume of the driver that asks for more, or for less. */
function asking(change: Partial<NonNullable<Volume['csi']>>): NonNullable<TwinOptions['volume']> {
  return (own) => (own.name === VOLUME && own.csi !== undefined ? { ...own, csi: { ...own.csi, ...change } } : own);
}

const REFUSED: ReadonlyArray<readonly [name: string, title: string, change: object, reason: RegExp]> = [
  ['csi-writable', 'a volume that is not readOnly', { readOnly: false }, /InvalidArgument.*readOnly/],
  ['csi-file-system', 'a volume with a file system of its own', { fsType: 'ext4' }, /InvalidArgument.*mount/],
  [
    'csi-stranger',
    'a volume of a driver that is not there',
    { driver: 'csi.example.org' },
    /csi\.example\.org not found/,
  ],
];
for (const [name, title, change, reason] of REFUSED)
  test(`${title} is not mounted, and its pod does not start`, async () => {
    await using twin = await startTwin(api, { ...base, name, volume: asking(change) });
    await eventually(30_000, async () => assert.match(await failedMountsOf(name), reason));
    const { status } = await twin.current();
    assert.equal(status.phase, 'Pending');
    const started = status.containerStatuses?.filter(({ state }) => state?.waiting === undefined) ?? [];
    assert.deepEqual(started, [], 'no container was started');
  });

interface Event {
  readonly message: string;
}

/** What the kubelet says about the volumes of a pod. */
async function failedMountsOf(pod: string): Promise<string> {
  const selector = encodeURIComponent(`involvedObject.name=${pod},reason=FailedMount`);
  const { items } = await api.get<ListOf<Event>>(`${corePath('events')}?fieldSelector=${selector}`);
  return items.map(({ message }) => message).join('\n');
}
