/**
 * The component `live-update`: containers whose files can be written, and a migration that ends. With CI's images: the image of the
 * build target `live-update`, and what Tilt does with it, take Docker.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Api, openApi } from './suite/api.ts';
import { type AppliedComponent, applyComponent } from './suite/components.ts';
import { newPodOf } from './suite/deployments.ts';
import { eventually } from './suite/eventually.ts';
import { execIn } from './suite/forward.ts';
import { NAMESPACES } from './suite/names.ts';
import { type Pod, podsOf } from './suite/objects.ts';
import { NODE } from './suite/twin.ts';

const SERVICES = ['customer', 'backend', 'db-client'];
const OPTIONS_OF_ROOT = `
  const mounts = require('node:fs').readFileSync('/proc/self/mounts', 'utf8').trim().split('\\n').map((line) => line.split(' '));
  process.stdout.write(mounts.find(([, at]) => at === '/')[3].split(',')[0]);
`;

let api: Api;
let component: AppliedComponent;
/** As they were before. */
const former = new Map<string, readonly Pod[]>();

before(async () => {
  api = await openApi();
  for (const service of SERVICES) {
    const pods = await podsOf(api, service);
    former.set(service, pods);
    assert.equal(await rootOf(pods[0], service), 'ro', service);
  }
  component = await applyComponent(api, 'live-update');
});

after(async () => {
  await component?.[Symbol.asyncDispose]();
  await api?.[Symbol.asyncDispose]();
});

const rootOf = (pod: Pod | undefined, container: string) =>
  execIn(pod?.metadata.name ?? '', container, [NODE, '--eval', OPTIONS_OF_ROOT]);

for (const service of SERVICES)
  test(`${service} starts with a root file system that can be written, which it has not otherwise`, async () => {
    const pod = await newPodOf(api, service, former.get(service) ?? []);
    assert.equal(await rootOf(pod, service), 'rw');
  });

interface Job {
  readonly status: { readonly succeeded?: number };
}

test('the migration runs by its command, and ends', async () => {
  const job = component.objects.find(({ kind }) => kind === 'Job');
  assert.match(JSON.stringify(job), /"command":\["node"\]/);
  await eventually(60_000, async () => {
    const path = `/apis/batch/v1/namespaces/${NAMESPACES.shop}/jobs/${job?.metadata.name}`;
    assert.equal((await api.get<Job>(path)).status.succeeded, 1);
  });
});

test('taken off, everything is as it was', async () => {
  await component[Symbol.asyncDispose]();
});
